"""Text of strangers, made fit to stand in a subject line, a log of deliveries, a database."""

import re

ELLIPSIS = "…"
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""They make text read from right to left, so a name could hide what follows it."""

_BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, ends of lines and paragraphs, halves of surrogate pairs."""


def one_line(text: str, longest: int) -> str:
    """Gives the text on one line, without control characters, cut to a length."""
    # What is printable has nothing of the kind in it; most texts are.
    visible = text if text.isprintable() else _BREAKING.sub(" ", _TURNING.sub("", text))
    return cut(" ".join(visible.split()), longest)


def cut(text: str, longest: int) -> str:
    """Gives the text, with an ellipsis in place of what is too long."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + ELLIPSIS


def fitted(text: str, most: int) -> str:
    """Gives the text, with an ellipsis in place of what does not fit into so many bytes."""
    room = most - len(ELLIPSIS.encode())
    return text if len(text.encode()) <= most else cut_to_bytes(text, room).rstrip() + ELLIPSIS


def cut_to_bytes(text: str, most: int) -> str:
    """Gives as much of the text as fits into so many bytes."""
    return text.encode()[:most].decode(errors="ignore")
