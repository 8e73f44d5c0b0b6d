"""What people say of the scheme's criteria: that a cohort is resourced, and that it is not any more."""

from __future__ import annotations

from iom.forms import SaneForm
from referrals.forms.nomination import text_area


class ResourcedForm(SaneForm):
    """How one knows that a cohort is established and resourced."""

    reason = text_area(
        "How do you know?",
        noun="how you know that it is resourced",
        limit=600,
        help_text="For example, which posts are filled and who agreed. It is kept with your name and today's date.",
    )


class TakeBackForm(SaneForm):
    """Why it is taken back."""

    because = text_area(
        "Why is it taken back?",
        noun="why it is taken back",
        limit=600,
        help_text="Nobody on the cohort leaves it by this. New nominations are held to the rule again.",
    )
