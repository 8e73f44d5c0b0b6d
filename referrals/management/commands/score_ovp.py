from referrals.management.score_command import ScoreCommand
from referrals.score_files import OVP


class Command(ScoreCommand):
    help = "Scores every row of a CSV file with OVP. Needs no database."
    model = OVP
