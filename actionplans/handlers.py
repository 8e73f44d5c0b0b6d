"""What plans do outside the request: the PDF of an approved statement for a court."""

from __future__ import annotations

from iom import outbox
from iom.access import task_actor
from iom.models import OutboxMessage

from . import statements
from .models import CourtStatement, StatementStatus


@outbox.handler("statement_pdf")
def make_statement_pdf(message: OutboxMessage) -> str | None:
    """Make the PDF of an approved statement and keep its bytes; made once, it is never made again."""
    rows = CourtStatement.objects.select_for_update(of=("self",)).select_related("scheme", "case")
    waiting = rows.filter(pk=message.payload["statement"], status=StatementStatus.APPROVED, document=None)
    statement = waiting.first()
    if statement is None:
        return "skipped"
    statements.keep_pdf(statement, by=task_actor(statement.scheme, f"statement_pdf {message.caused_by}".strip()))
    return None
