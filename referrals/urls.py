from django.urls import path, register_converter

from referrals.sections import BY_SLUG
from referrals.views import (
    again,
    criteria,
    engagement,
    family,
    information,
    nomination,
    offences,
    papers,
    research,
    score,
    sheet,
    triage,
    what_if,
)


class SectionConverter:
    """A section of a nomination, and nothing else: other pages of a referral have addresses of the same shape."""

    regex = "|".join(BY_SLUG)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(SectionConverter, "section")

urlpatterns = [
    # Nomination
    path("referrals/", nomination.referrals, name="referrals"),
    path("referrals/new/", nomination.new, name="referral_new"),
    path("referrals/what-if/", what_if.what_if_page, name="what_if"),
    path("referrals/what-if/file/", what_if.what_if_file, name="what_if_file"),
    path("referrals/cohorts/", criteria.resourced_cohorts, name="resourced_cohorts"),
    path("referrals/offences/", offences.offences, name="offences"),
    path("referrals/<str:reference>/", nomination.referral, name="referral"),
    path("referrals/<str:reference>/check/", nomination.check, name="referral_check"),
    path("referrals/<str:reference>/sent/", nomination.sent, name="referral_sent"),
    path("referrals/<str:reference>/withdraw/", nomination.withdraw, name="referral_withdraw"),
    path("referrals/<str:reference>/<section:task>/", nomination.section, name="referral_section"),
    # Family and victims
    path("referrals/<str:reference>/family/", family.referral_family, name="referral_family"),
    path("referrals/<str:reference>/family/add/", family.referral_family_add, name="referral_family_add"),
    # Nominated again
    path("referrals/<str:reference>/again/", again.referral_again, name="referral_again"),
    path("cases/<str:reference>/nominate-again/", again.case_again, name="case_again"),
    # Meeting the person
    path("referrals/<str:reference>/engagement/", engagement.referral_engagement, name="referral_engagement"),
    path(
        "referrals/<str:reference>/engagement/start/",
        engagement.referral_engagement_start,
        name="referral_engagement_start",
    ),
    path("cases/<str:reference>/engagement/", engagement.case_engagement, name="case_engagement"),
    path("cases/<str:reference>/engagement/start/", engagement.case_engagement_start, name="case_engagement_start"),
    path("engagement/<int:pk>/", engagement.engagement, name="engagement"),
    # Triage, score, checks
    path("referrals/<str:reference>/triage/", triage.referral_triage, name="referral_triage"),
    path("referrals/<str:reference>/score/", score.referral_score, name="referral_score"),
    path("cases/<str:reference>/score/", score.case_score, name="case_score"),
    path("research/", research.research_list, name="research_list"),
    path("research/contacts/", research.research_contacts, name="research_contacts"),
    path("research/<str:key>/", research.research, name="research"),
    path("research/<str:key>/sheet/", sheet.research_sheet, name="research_sheet"),
    path("research/<str:key>/sheet/<str:reference>/", sheet.research_person, name="research_person"),
    path("referrals/<str:reference>/research/", sheet.referral_research, name="referral_research"),
    # Papers
    path("referrals/<str:reference>/papers/", papers.nomination_papers, name="nomination_papers"),
    path("cases/<str:reference>/information/", information.case_information, name="case_information"),
    path("cases/<str:reference>/documents/", papers.case_documents, name="case_documents"),
    path("research/<str:key>/papers/<int:pk>/", papers.research_papers, name="research_papers"),
    path("papers/<uuid:key>/", papers.paper, name="paper"),
    path("papers/<uuid:key>/remove/", papers.remove, name="paper_remove"),
    path("research/<str:key>/progress/", research.research_progress, name="research_progress"),
]
