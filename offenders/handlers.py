"""Work of cases outside the request: what travels between two schemes of one installation."""

from __future__ import annotations

from iom import outbox
from iom.models import OutboxMessage
from offenders import transfers
from offenders.models import Transfer, TransferShare


@outbox.handler("transfer_share")
def hand_over_what_was_shared(message: OutboxMessage) -> str | None:
    """Write what was ticked into the scheme that it was shared with."""
    rows = TransferShare.objects.select_related("scheme", "transfer__other_scheme")
    share = rows.filter(pk=message.payload["share"]).first()
    return transfers.deliver_share(share) if share else "skipped"


@outbox.handler("transfer_answer")
def take_the_answer_back(message: OutboxMessage) -> str | None:
    """Write the answer into the scheme that asked."""
    transfer = Transfer.objects.select_related("scheme", "other_scheme").filter(pk=message.payload["transfer"]).first()
    return transfers.deliver_answer(transfer) if transfer else "skipped"
