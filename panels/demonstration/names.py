"""Made-up names, places and sentences. Nobody here exists."""

from __future__ import annotations

GIVEN_MEN = (
    "Aaron Abdi Adam Alfie Amir Andre Anton Ashley Bilal Blake Bradley Calum Carl Connor Craig Curtis Danny Darren Dean Declan "
    "Dominic Dwayne Ellis Errol Ethan Finlay Gareth Gary Hassan Ian Idris Jake Jamal Jason Jermaine Joel Jordan Karl Kieran "
    "Kofi Lee Leon Levi Liam Luca Marcus Marlon Mason Mo Nathan Neil Omar Oscar Paul Pavel Rafal Ray Reece Ricky Rhys Ross Ryan "
    "Samir Scott Sean Shane Stefan Tariq Terry Tyrone Usman Vinnie Warren Yusuf Zak"
).split()
GIVEN_WOMEN = (
    "Abigail Aisha Amber Bianca Carly Chantelle Courtney Danielle Ebony Fatima Gemma Hayley Jade Kayleigh Keira Leanne Lucy "
    "Mariam Natasha Paige Rochelle Sasha Shanice Stacey Tanya Zoe"
).split()
FAMILY = (
    "Alderbrook Ashgrove Barrowfield Beckham-Lowe Birchwater Blackmere Bramblecote Brightmoor Calderstone Castlewick Chalkley "
    "Coldharbour Copperfield-Ash Cragwell Dalewood Deepwell Dunmarsh Eastlake Elmsworth Fairbourne Fallowdene Farnmoor Fennick "
    "Fieldgate Foxcombe Garrowby Glenmoor Greyling Hallowell Harrowgate Hartmoor Hawkridge Hazelbeck Heathersage Highmoor "
    "Hollowbrook Inglewick Ironside-Vale Kestrelton Kingsmere Lambourne-Fell Larchfield Lindenway Longacre Marlstone Maybridge "
    "Meadowcroft Millbrook-Hay Moorgate-Lane Netherby Northway Oakhollow Oldershaw Orchardson Penhallow-Reed Pinecroft Quarrington "
    "Ravensmoor Redfern-Low Ridgeway-Dunn Rookwood Rushbrook Sandwell-Moss Saltmarsh Shawcross-Lea Silverdale Southmoor "
    "Stonebeck Summerlea Tanglewood Thornfield Tidewell Underhill-Gray Valebrook Wainwick Westerdale Whinmoor Wildgoose Willowmere "
    "Winterbourne Withersby Wolfendale-Ash Woodhollow Yarrowfield Yewdale"
).split()
STAFF_GIVEN = (
    "Priya Grace Tom Kofi Jo Amina Helen David Ruth Samuel Nadia Peter Lorna Imran Claire Hugh Bola Megan Rob Esther Yasmin Colin "
    "Farah Dawn Marek Susan Tunde Alison Gwen Victor"
).split()
STAFF_FAMILY = (
    "Shah Adeyemi Dunn Osei Reid Rahman Prior Lockwood Baptiste Nwosu Hussain Galloway Tennant Mirza Whitlock Pemberton Okafor Price "
    "Hastings Mensah Karim Brandt Aziz Foster Nowak Bell Ojo Cartwright Morgan Lindqvist"
).split()
STREETS = (
    "Larch Road",
    "Station Parade",
    "Mill Lane",
    "Copse Close",
    "Garden Walk",
    "Tower Court",
    "Bridge Street",
    "Orchard Way",
    "Quarry Rise",
    "Meadow View",
)
WARDS = ("Northfield", "Old Town", "Riverside", "Hill Park", "Eastgate", "Common End", "Station", "Market")
PRISONS = ("HMP Wandsworth", "HMP Pentonville", "HMP Thameside", "HMP High Down", "HMP Winchester", "HMP Bronzefield")

EVIDENCE = (
    "Arrested three times since the autumn for burglary of homes in the same two streets. Stolen tools were found in the lock-up.",
    "Charged with two vehicle thefts and named by shop staff in four more. Missed the last two probation appointments.",
    "Four convictions for theft in twelve months, each within weeks of release. Sells what is taken to pay for drugs.",
    "Robbery of a delivery rider in March, and intelligence of two more. Returned to the same group after release.",
    "Burglary of three shops on one night. Fingerprints in two. Has begun to carry tools in the day.",
)
BENEFIT = (
    "Housing, treatment and probation are each working alone. One plan and one lead would stop the gaps being used.",
    "Has asked for help with drugs and a place to live. Needs enforcement and support that know of each other.",
    "No agency has kept contact for more than a month. A lead professional and daily contact would give a chance of that.",
)
HARM = (
    "Carries a knife when using. Threatened a shop worker in May.",
    "No violence on record in the last three years.",
    "Family members have been frightened by people who come to the flat to collect debts.",
)
SHOWN = "Police records of the last three months, and what probation and housing told the panel."
REASONS = {
    "RED": (
        "Not engaging. Two new arrests since the last panel.",
        "Seems to comply, but intelligence says that the offending goes on.",
        "Missed three appointments. New burglary charge.",
    ),
    "AMBER": (
        "Engaging with treatment. Offending down, but the risk remains.",
        "Keeps appointments and has asked for help with housing.",
        "Working with the lead professional. One arrest, no charge.",
    ),
    "GREEN": (
        "No intelligence of offending for four months.",
        "In work and in settled housing. Nothing new.",
        "Finished treatment. No longer coming to notice.",
    ),
    "BLUE": ("Remanded to prison.", "Sentenced. Contact goes on through the prison."),
}
ACTIONS = (
    ("housing", "accommodation", "confirm the tenancy reference and say what is missing"),
    ("housing", "accommodation", "find a place for the first night after release"),
    ("probation", "thinking", "add a condition on the named area to the licence request"),
    ("probation", "", "home visit with police, evening"),
    ("police", "", "check the address and the curfew twice a week"),
    ("police", "", "share the list of recent arrests with the lead professional"),
    ("substance_misuse", "drugs", "see at the hub for assessment and a script"),
    ("health", "health", "write to the surgery about registration"),
    ("employment", "employment", "book a work coach and a benefits check"),
    ("benefits", "finance", "check the claim and arrange an advance"),
    ("advice", "finance", "debt advice appointment"),
    ("education", "employment", "place on the entry-level building course"),
    ("council", "", "ask the neighbourhood team for three weeks of patrols"),
)
# Files that come with a nomination and with a case: how each is called, and what it says.
FILES = (
    ("Letter from the landlord", "Three complaints since the autumn. We would keep the tenancy if the visitors stop."),
    ("Licence conditions", "To live as directed, to keep out of the town centre between 20:00 and 06:00."),
)
SUMMARIES = {
    "housing": "Tenancy at risk: rent arrears since November. No complaint from neighbours this quarter.",
    "health": "Known to the community team until January. Missed the last two appointments.",
    "probation": "On licence. Reporting weekly, two missed in the last six.",
    "police": "Named in two burglaries under investigation. Stopped with tools on 3 occasions.",
    "substance_misuse": "On a script since spring. Tests show use on top about once a fortnight.",
    "council": "Two reports of street drinking near the station. No warnings issued.",
    "employment": "Claim open. Has not attended the work-focused interview.",
}
# What the police systems hold, by system; the rest hold nothing.
FINDINGS = {
    "PNC": ("panel", "Nine convictions, five of them burglary. One warning marker: ailment."),
    "CRIMINT": ("police_probation", "Two reports this quarter of stolen tools offered for sale."),
}
NOTES = {
    "RED": (
        "Still not keeping to the plan. Police go on with home visits.",
        "Two appointments kept of five. The team has a place for the evening visit.",
        "No new arrest this month, but seen with the same group.",
    ),
    "AMBER": (
        "Keeps most appointments. Housing is the weak point.",
        "On a script and testing. The work coach sees him or her weekly.",
        "Settling at the new address. Family is a help.",
    ),
    "GREEN": ("Doing well. Contact every fortnight is enough.", "In work. Nothing new from any agency."),
    "BLUE": ("Seen in prison. Release address to be found in time.", "Engages with the course in prison."),
}
JUDGED_HIGH = "Two assaults in a year, the second with a knife. Probation's own assessment says the same."
JUDGED_NOT_HIGH = "Nothing on police or probation records points to more than the offending itself."
GOALS = (
    "Steady for three months, with one person to ring",
    "Asks for help before it goes wrong",
    "Keeps every appointment until the next review",
)
NOTED = {
    "apologies": "Apologies were noted and the sharing agreement was signed.",
    "last_actions": "Actions were gone through one by one.",
    "escalations": "The board asks the council's housing lead to answer before it meets again.",
}
ESCALATION = "First-night accommodation after release: nothing available"
# What the panel asks of its board; nobody is named in it.
ISSUES = (
    {
        "title": "First-night accommodation after a Friday release",
        "kind": "service",
        "stuck": "Whoever leaves prison on a Friday has nowhere to sleep before Monday. Four of the last six were arrested that weekend.",
        "tried": "Housing asked four landlords and the night shelter. The prison was asked to release a day earlier and may not.",
        "ask": "That the council keeps two beds free on Fridays, and pays for them.",
        "service": "Night shelter",
    },
    {
        "title": "Eleven weeks for a first mental health appointment",
        "kind": "resource",
        "stuck": "People wait eleven weeks to be seen, longer than most of them stay out of custody.",
        "tried": "The panel wrote to the service twice. The hub's nurse sees people in between but may not prescribe.",
        "ask": "One clinic a month for the cohort, agreed with the commissioner.",
        "service": "Community mental health",
    },
)
BOARD_SAYS = "Two beds are kept free on Fridays for a year, from the council's own budget. To be looked at again after six months."
BOARD_REPORT = (
    "The panel met each month and was quorate each time. Engagement with treatment is up since the hub moved; the first "
    "weekend after release remains the gap. The core team lost its analyst in the spring and has one from next month."
)
MISSING = "Please say which of the offences led to a charge, and when the person was last seen by your team."
URGENT = "Released without notice on Friday and named in two burglaries since."
