"""Who the tokens of the audit are (iom.trail): references of cases and of what else is called by one, as far as known.

Of a restricted case coordinator and chair may know the reference; anybody else may not know whom it was about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db.models import Q
from django.urls import reverse

from iom.trail import Whom, tells_whom

from .models import Case
from .querysets import everything_called

if TYPE_CHECKING:
    from iom.access import Actor


@tells_whom
def people(actor: Actor | None, tokens: frozenset[str]) -> Mapping[str, Whom]:
    """The person of each token: P12 a person, C7 a case, R9 a nomination, or a reference. Six questions at most."""
    numbers: dict[str, set[int]] = defaultdict(set)
    for token in tokens:
        if token[:1] in ("P", "C", "R") and token[1:].isdigit():
            numbers[token[0]].add(int(token[1:]))
    asked = set(numbers["P"])
    by_case = Q(pk__in=numbers["C"]) | Q(reference__in=tokens)
    by_call = Q(pk__in=numbers["R"]) | Q(reference__in=tokens)
    asked |= set(Case.objects.filter(by_case).values_list("offender_id", flat=True))
    for rows in everything_called():
        asked |= set(rows.filter(by_call).values_list("offender_id", flat=True))
    found = _Found(asked)
    return {token: person for token, person in found.by_token(actor).items() if token in tokens}


class _Found:
    """Some people's references and tokens."""

    def __init__(self, people: set[int]) -> None:
        self.people = people
        self.cases: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for pk, reference, person in (
            Case.objects.filter(offender__in=people).order_by("pk").values_list("pk", "reference", "offender_id")
        ):
            self.cases[person].append((pk, reference))
        self.called: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for rows in everything_called():
            for pk, reference, person in (
                rows.filter(offender__in=people).order_by("pk").values_list("pk", "reference", "offender_id")
            ):
                self.called[person].append((pk, reference))

    def by_token(self, actor: Actor | None) -> dict[str, Whom]:
        closed, known, open_cases = self._closed(actor)
        answer = {}
        for person in self.people:
            tokens = self._tokens(person)
            if person in closed:
                shown = Whom(known[person], tokens=tokens) if person in known else Whom(withheld=True, tokens=tokens)
            else:
                references = tuple(reference for _, reference in self.cases[person] or self.called[person])
                href = next((reverse("case", args=[r]) for _, r in reversed(self.cases[person]) if r in open_cases), "")
                everything = (*references, *(r for _, r in self.called[person] if r not in references))
                shown = Whom(everything, href, tokens=tokens)
            answer |= dict.fromkeys(tokens, shown)
        return answer

    def _closed(self, actor: Actor | None) -> tuple[set[int], dict[int, tuple[str, ...]], set[str]]:
        """Whom the reader may not meet; of whom they may know the case's reference; which cases they may open."""
        if actor is None:
            return set(), {}, set()
        mine = Q(offender__in=self.people)
        closed = set(Case.objects.closed_to(actor).filter(mine).values_list("offender_id", flat=True))
        sealed = Case.objects.sealed_to(actor).filter(mine).values_list("offender_id", "reference")
        known = {person: (reference,) for person, reference in sealed}
        open_cases = set(Case.objects.visible_to(actor).filter(mine).values_list("reference", flat=True))
        return closed, known, open_cases

    def _tokens(self, person: int) -> frozenset[str]:
        cases, called = self.cases[person], self.called[person]
        numbers = {f"P{person}", *(f"C{pk}" for pk, _ in cases), *(f"R{pk}" for pk, _ in called)}
        return frozenset(numbers | {reference for _, reference in (*cases, *called)})
