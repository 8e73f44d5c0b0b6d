"""What is typed of offers and of money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from actionplans.forms.money import MoneyField
from actionplans.models import Funding, Offer, OfferAnswer, Service
from iom import clock
from iom.forms import CleanCharField, DateField, SaneForm, VersionField


class OfferForm(SaneForm):
    """What was offered on a pathway, by which agency, and when."""

    text = CleanCharField(label="What was offered", max_length=300, noun="what was offered", required=False)
    service = forms.ChoiceField(label="Service of the directory", required=False)
    agency = forms.ChoiceField(label="By", error_messages={"required": "Choose which agency offered it"})
    on = DateField(label="On", noun="the day of the offer", help_text="")

    def __init__(
        self,
        data: Any = None,
        *,
        pathway: str,
        agencies: Sequence[tuple[str, str]],
        services: Sequence[Service] = (),
    ) -> None:
        super().__init__(data, prefix=f"offer-{pathway}", initial={"on": clock.today()})
        self.fields["agency"].choices = [("", "Choose"), *agencies]
        self.services = {str(each.pk): each for each in services if pathway in each.pathways}
        if not self.services:
            del self.fields["service"]
        else:
            named = [(pk, self._called(each)) for pk, each in self.services.items()]
            self.fields["service"].choices = [("", "None of these"), *named]

    @staticmethod
    def _called(service: Service) -> str:
        """Its name, who provides it, and what priority the cohort has there."""
        priority = f", priority: {service.priority_terms}" if service.priority else ""
        return f"{service.name} ({service.provider}{priority})"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        chosen = self.services.get(data.get("service") or "")
        data["service"] = chosen
        # Whoever chooses a service need not type its name.
        if not data.get("text") and "text" not in self.errors:
            if chosen is None:
                self.add_error("text", "Enter what was offered, or choose a service")
            else:
                data["text"] = chosen.name
        return data


class AnswerForm(SaneForm):
    """How the person answered an offer."""

    answer = forms.ChoiceField(choices=OfferAnswer.choices)
    on = DateField(label="On", noun="the day of the answer", help_text="")
    words = CleanCharField(label="In words", max_length=600, required=False)
    version = VersionField()

    @classmethod
    def of(cls, made: Offer, data: Any = None) -> AnswerForm:
        """The form in an offer's row."""
        initial = {
            "answer": made.answer,
            "on": made.answered_on or clock.today(),
            "words": made.words,
            "version": made.version,
        }
        return cls(data, prefix=f"answer-{made.pk}", initial=initial)

    def stored_in(self, thing: Offer) -> dict[str, Any]:
        return {"answer": thing.answer, "on": thing.answered_on, "words": thing.words}


class AskForm(SaneForm):
    """Money for something in the plan."""

    amount = MoneyField(label="Amount in pounds", noun="the amount")
    text = CleanCharField(label="What for", max_length=300, noun="what the money is for")
    payer = CleanCharField(label="Whose money", max_length=120, noun="whose money it is")
    pathway = forms.ChoiceField(required=False)

    def __init__(self, data: Any = None, *, pathways: Sequence[tuple[str, str]]) -> None:
        super().__init__(data, prefix="ask")
        self.fields["pathway"].choices = [("", "No pathway"), *pathways]


class FundingForm(SaneForm):
    """What becomes of a request: agreed or not, withdrawn, spent. The button says which."""

    spent = MoneyField(label="Spent, in pounds", required=False)
    reason = CleanCharField(label="Why", max_length=300, required=False)
    version = VersionField()

    @classmethod
    def of(cls, asked: Funding, data: Any = None) -> FundingForm:
        """The form in a request's row."""
        spent = "" if asked.spent is None else f"{asked.spent:.2f}"
        return cls(data, prefix=f"money-{asked.pk}", initial={"spent": spent, "version": asked.version})

    def stored_in(self, thing: Funding) -> dict[str, Any]:
        return {"spent": thing.spent, "reason": thing.reason}
