"""One scheme with one of everything, for tests that ask every address of every role."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from iom import clock
from iom.access import actor_for
from iom.models import Meeting, Membership, Scheme


@dataclass
class World:
    """A scheme and the things in it that addresses name."""

    scheme: Scheme
    people: dict[str, Membership] = field(default_factory=dict)
    things: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def make(cls, slug: str, factories, shift: timedelta = timedelta(0)) -> World:
        """Everything, with other dates and references for another `shift` and slug."""
        world = cls(factories.scheme("merton", slug=slug))
        kinds = {"referrer": "housing", "researcher": "police", "chair": "probation", "member": "police"}
        for role in ("member", "referrer", "researcher", "coordinator", "chair", "board_reader", "scheme_admin"):
            world.people[role] = factories.member(
                world.scheme, role, agency_kind=kinds.get(role, "council"), seat=role in ("member", "chair")
            )
        world._fill(factories, shift)
        return world

    def _fill(self, factories, shift: timedelta) -> None:
        today = clock.today()
        chair = self.people["chair"]
        self.things["case"] = factories.case(self.scheme)
        self.things["meeting"] = factories.meeting(
            self.scheme, today + timedelta(days=30) + shift, chair=chair, status="agenda_sent"
        )

    @property
    def coordinator(self):
        return actor_for(self.people["coordinator"])

    def arguments(self, of: str, name: str) -> list[Any]:
        """What an address of this world takes."""
        return [] if not of else [getattr(thing, "key", None) or thing.reference for thing in [self.things[of]]]

    def never(self, of: str, name: str) -> list[Any]:
        """Arguments of the same shape that name nothing anywhere."""
        return {"": [], "case": ["IOM-9999"], "referral": ["IOM-R-9999"], "meeting": ["2099-01-01"]}[of]
