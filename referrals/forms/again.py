"""What is asked of somebody who is nominated again: who they are is known."""

from __future__ import annotations

from typing import Any

from iom.policy import Policy
from referrals.forms.nomination import NO, YES, StartForm, text_area
from referrals.models import Referral


class AgainForm(StartForm):
    """Whether the scheme can take them now, and what is different."""

    given_names = family_name = date_of_birth = None
    changed_since = text_area(
        "What has changed since?",
        noun="what has changed since",
        limit=2000,
        help_text="New offences, a release, a change of mind, what was missing then. The panel reads this.",
    )

    def __init__(self, policy: Policy, *args: Any, earlier: Referral | None = None, **options: Any) -> None:
        super().__init__(policy, *args, **options)
        # MAPPA is asked afresh: a level that was right then excludes people or lets them in wrongly now.
        for fact in self.flags:
            if earlier is not None and fact in earlier.facts:
                self.initial[f"fact_{fact}"] = YES if earlier.facts[fact] else NO

    @classmethod
    def after(cls, start: StartForm) -> AgainForm:
        """With what was answered a page before, when somebody turned out to be known."""
        given = {
            name: value for name, value in start.cleaned_data.items() if name == "mappa" or name.startswith("fact_")
        }
        return cls(start.policy, initial=given)
