"""For whom a form was made: its key begins with the number of the membership, signed.

A page that was left open is thus never taken for that of whoever signed in since with the same browser, nor for a page
of the scheme to which its own person has changed (security.md S5 and Z2).
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from django.utils.crypto import salted_hmac

if TYPE_CHECKING:
    from django.http import HttpRequest

    from iom.models import Membership

FIELD = "form_key"
_MARK = re.compile(r"([0-9]{1,12})-([0-9a-f]{12})-")


def mark_of(request: HttpRequest) -> str:
    """The mark of whoever acts; empty for somebody who acts for nobody."""
    actor = getattr(request, "actor", None)
    number = actor.membership.pk if actor and actor.membership else None
    return "" if number is None else f"{number}-{_signature(number)}-"


def made_for(request: HttpRequest) -> Membership | None:
    """The membership for which the posted form was made; None when it does not say, or not truly."""
    from iom.models import Membership

    found = _MARK.match(request.POST.get(FIELD, ""))
    if found is None or not secrets.compare_digest(found[2], _signature(int(found[1]))):
        return None
    actor = getattr(request, "actor", None)
    if actor and actor.membership and actor.membership.pk == int(found[1]):
        return actor.membership
    return Membership.objects.select_related("user").filter(pk=int(found[1])).first()


def _signature(number: int) -> str:
    return salted_hmac("iom.form_marks", str(number)).hexdigest()[:12]
