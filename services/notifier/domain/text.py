"""Text of strangers, made fit to stand in a subject line, a log of deliveries, a database."""

import unicodedata

ELLIPSIS = "…"
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They make text read from right to left, so a name could hide what follows it."""


def one_line(text: str, longest: int) -> str:
    """Gives the text on one line, without control characters, cut to a length."""
    visible = "".join(" " if _breaks(each) else each for each in text if each not in _TURNING)
    return cut(" ".join(visible.split()), longest)


def cut(text: str, longest: int) -> str:
    """Gives the text, with an ellipsis in place of what is too long."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + ELLIPSIS


def cut_to_bytes(text: str, most: int) -> str:
    """Gives as much of the text as fits into so many bytes."""
    return text.encode()[:most].decode(errors="ignore")


def _breaks(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs")
