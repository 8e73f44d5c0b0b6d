"""Offers of help and requests for money, in the page of the plan."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse

from actionplans import funding, offers
from actionplans import services as directory
from actionplans.forms.help import AnswerForm, AskForm, FundingForm, OfferForm
from actionplans.models import Funding, Offer
from actionplans.views.plan import changing, known_pathway, pathway_name, saved
from iom.models import Agency
from iom.pages import found, page
from iom.steps import StepRefused
from offenders import naming
from offenders.case_pages import find_case


@page("actionplans.make_offer", methods=("POST",))
def offer(request: HttpRequest, reference: str, pathway: str) -> HttpResponse:
    """Write down what was offered on a pathway."""
    case = find_case(request.actor, reference)
    known_pathway(case, pathway)
    agencies = [(each.slug, each.name) for each in Agency.objects.visible_to(request.actor)]
    form = OfferForm(
        request.POST, pathway=pathway, agencies=agencies, services=directory.to_offer(request.actor, case.offender.area)
    )
    naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender, "text")

    def save() -> str:
        given = form.cleaned_data
        agency = found(Agency.objects.visible_to(request.actor), slug=given["agency"])
        named = {"text": given["text"], "service": given["service"], "on": given["on"]}
        offers.offer(case, pathway=pathway, agency=agency, by=request.actor, **named)
        return f"{pathway_name(case, pathway)}: offer saved"

    return saved(request, case, form, save, at=pathway)


@page("actionplans.make_offer", methods=("POST",))
def answer(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """Say how the person answered."""
    case = find_case(request.actor, reference)
    made = found(Offer.objects.visible_to(request.actor).filter(case=case), pk=number)
    form = AnswerForm.of(made, request.POST)
    naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender, "words")

    def save() -> str:
        given = form.cleaned_data
        offers.answered(
            made, given["answer"], on=given["on"], words=given["words"], version=given["version"], by=request.actor
        )
        return "Answer saved"

    return saved(request, case, form, save, at=f"offer-{made.pk}")


@page("actionplans.change_plan", methods=("POST",))
def ask(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask for money."""
    case = find_case(request.actor, reference)
    form = AskForm(request.POST, pathways=changing(request, case).pathways)
    naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender, "text")

    def save() -> str:
        funding.ask(case, by=request.actor, **form.cleaned_data)
        return "Money asked for"

    return saved(request, case, form, save, at="money")


@page("actionplans.change_plan", methods=("POST",))
def money(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """What becomes of a request: agreed or not, withdrawn, spent."""
    case = find_case(request.actor, reference)
    asked = found(Funding.objects.visible_to(request.actor).filter(case=case), pk=number)
    form = FundingForm.of(asked, request.POST)

    def save() -> str:
        given, by = form.cleaned_data, request.actor
        match request.POST.get("then"):
            case "agree" | "refuse" as then:
                agreed = then == "agree"
                funding.decide(asked, agreed=agreed, reason=given["reason"], version=given["version"], by=by)
                return "Money agreed" if agreed else "Money not agreed"
            case "withdraw":
                funding.withdraw(asked, reason=given["reason"], version=given["version"], by=by)
                return "Request withdrawn"
            case "spent":
                if given["spent"] is None:
                    raise StepRefused(["Enter what was spent; 0 if nothing was."])
                funding.spent(asked, amount=given["spent"], version=given["version"], by=by)
                return "Saved what was spent"
            case _:
                raise Http404

    return saved(request, case, form, save, at="money")
