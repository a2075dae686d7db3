"""What makes a repeated delivery count once."""

import hashlib
from collections.abc import Iterable

LONGEST_KEY = 200
_SIGNED = "{{highlevel}}"


def chosen(candidates: Iterable[str | None]) -> str:
    """Gives the first candidate that is a key; empty when none is.

    The order is: the run's own id (`runId`, `executionId`), the delivery's
    (`webhookId`), the header `Idempotency-Key`. The body comes first, because two
    reports of one run are one run, however they were sent.
    """
    for key in candidates:
        if key and is_filled_in(key):
            break
    else:
        return ""
    return key if len(key) <= LONGEST_KEY else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def is_filled_in(text: str) -> bool:
    """Says whether no merge field is left in a text; if one is, all runs have the same text."""
    return "{{" not in text


def of_item(header: str | None, position: int | None) -> str | None:
    """Gives the header's key for one item: in an array each place has its own."""
    if not header or position is None:
        return header
    return f"{header}#{position}"


def of_signed(webhook_id: str | None, body: bytes) -> str:
    """Gives the key of what HighLevel signed: its id, or what was signed when it has none.

    No caller can have it: with `{{` in it, `chosen` takes none.
    """
    if not webhook_id:
        return f"{_SIGNED}body:{hashlib.sha256(body).hexdigest()}"
    key = f"{_SIGNED}id:{webhook_id}"
    if len(key) <= LONGEST_KEY:
        return key
    return f"{_SIGNED}long:{hashlib.sha256(webhook_id.encode()).hexdigest()}"
