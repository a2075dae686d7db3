"""What a sender prefers when something cannot be read (RFC 7240)."""

import re
from typing import Literal

Handling = Literal["lenient", "strict"]
"""Keep it in quarantine, or refuse it."""


def handling(prefer: str | None, default: Handling) -> Handling:
    """Gives the way that a `Prefer` header asks for; the first one counts."""
    if not prefer:
        return default
    said = prefer.replace(" ", "").replace('"', "").lower()
    for each in re.split("[,;]", said):
        if each == "handling=strict":
            return "strict"
        if each == "handling=lenient":
            return "lenient"
    return default
