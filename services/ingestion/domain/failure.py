"""What kind of error a message speaks of, and which messages speak of the same one."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

EXPECTED = "EXPECTED"
"""What contacts do themselves (unsubscribe, do not disturb): no fault of the workflow."""

OTHER = "OTHER"

NEVER_FINISHED = "NEVER_FINISHED"
"""Runs that began and were not reported to end; no message says so, we do."""

DECIDING_CHARACTERS = 1000
"""Only so much of a message is looked at: 8 KiB would cost 3 ms each."""

CLASSES: Mapping[str, tuple[str, ...]] = {
    "SMS_SENDER": (
        r"\b(30034|30032|30033|30037|30002|21661|21606|21612|21408)\b",
        r"sms-capable",
        r"\ba2p\b",
        r"sending suspended",
        r"account is currently suspended",
    ),
    "SMS_FILTERED": (
        r"\b30007\b",
        r"message filtered",
        r"carrier filter",
    ),
    EXPECTED: (
        r"\b21610\b",
        r"unsubscribed",
        r"opted out",
        r"\bdnd\b",
        r"do not disturb",
    ),
    "CONTACT_DATA": (
        r"\b(21211|21614|21635|3000[3-6])\b",
        r"invalid '?(to|phone|email)",
        r"\blandline\b",
        r"missing (phone|email)",
        r"marked (as )?unverified",
    ),
    "EMAIL_AUTH": (
        r"domain is not allowed to send",
        r"sender verify",
        r"sender address rejected",
        r"\b(dmarc|spf|dkim)\b",
        r"unverified domain",
    ),
    "EMAIL_BOUNCE": (
        r"\bbounced?\b",
        r"mailbox unavailable",
        r"user unknown",
        r"\b550\b",
    ),
    "AUTH": (
        r"\b(401|403)\b",
        r"unauthori[sz]ed",
        r"forbidden",
        r"invalid[_ ](grant|jwt|token)",
        r"token (is |has )?expired",
        r"expired token",
        r"reconnect",
        r"re-?authenticat",
        r"incorrect authentication",
    ),
    "RATE_LIMIT": (
        r"\b429\b",
        r"too many requests",
        r"rate limit",
        r"\b(30001|30023)\b",
        r"queue overflow",
        r"daily message (cap|limit)",
    ),
    "NOT_FOUND": (
        r"\b(404|410)\b",
        r"not found",
        r"does not exist",
        r"no longer exists",
    ),
    "HTTP_REMOTE": (
        r"(?:http|status|code)[^0-9]{0,12}5\d\d\b",
        r"\b50[0-4]\b",
        r"timed? ?out",
        r"timeout",
        r"econn\w*",
        r"enotfound",
        r"socket hang up",
        r"temporary system problem",
    ),
    "CONFIG": (
        r"\brequired\b",
        r"mandatory",
        r"missing",
        r"corrupted type",
        r"validation",
    ),
}
"""The first class with a pattern that is found wins.

EXPECTED stands before CONTACT_DATA: both know numbers of the same provider.
"""
# Lower-case patterns over lower-case text take half the time of IGNORECASE.
_PATTERNS = tuple((name, re.compile("|".join(patterns))) for name, patterns in CLASSES.items())

_VARIABLE = re.compile(
    # Each alternative starts where a word starts or has an upper limit: a
    # hostile text must not cost the square of its length.
    r"https?://\S+"
    r"|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\"[^\"]{0,200}\"|`[^`]{0,200}`|“[^”]{0,200}”|‘[^’]{0,200}’|(?<!\w)'[^']{0,200}'(?!\w)"
    r"|(?<!\w)\+?\(?\d[\d\s()./-]{5,30}\d(?!\w)"
    r"|(?<![\w-])(?:(?=[\w-]*\d)[\w-]+|[\w-]{20,})"
)
_REPEATED = re.compile(r"\*(?:[\s,.:;/+-]*\*)+")


@dataclass(frozen=True, slots=True)
class Failure:
    """The kind of an error; empty where there was none."""

    error_class: str
    fingerprint: str


NONE = Failure("", "")
UNFINISHED = Failure(NEVER_FINISHED, hashlib.sha256(NEVER_FINISHED.encode()).hexdigest()[:16])


@lru_cache(maxsize=1024)  # a fault repeats its message, thousands of times in a storm
def failure_of(message: str, step: str) -> Failure:
    """Gives the kind of an error from its message and the name of the step that failed."""
    text = message[:DECIDING_CHARACTERS]
    error_class = classified(text)
    same = "\n".join((error_class, normalised(step), normalised(text)))
    return Failure(error_class, hashlib.sha256(same.encode()).hexdigest()[:16])


def classified(message: str) -> str:
    """Gives the class of an error message."""
    lowered = message.lower()
    return next((name for name, pattern in _PATTERNS if pattern.search(lowered)), OTHER)


def normalised(text: str) -> str:
    """Gives a text with ids, numbers, addresses and quoted values replaced by stars."""
    starred = _VARIABLE.sub("*", text.lower())
    return " ".join(_REPEATED.sub("*", starred).split())
