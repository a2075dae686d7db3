"""Text as one SMS carries it: 160 characters of the GSM 7-bit alphabet (3GPP TS 23.038)."""

import unicodedata

LONGEST = 160
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = "^{}\\[~]|€"
"""Each of them takes the place of two."""

_SPELLED = str.maketrans({
    "×": "x", "–": "-", "—": "-", "…": "...", "’": "'", "‘": "'", "“": '"', "”": '"', "·": "-",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "\t": " ", "`": "'",
})  # fmt: skip


def spelled(text: str) -> str:
    """Gives the text in letters of the alphabet; what has no like in it becomes a question mark."""
    found = "".join(_letter(each) for each in text.translate(_SPELLED))
    return " ".join(found.split())


def length(text: str) -> int:
    """Gives how many places a spelled text takes."""
    return len(text) + sum(each in EXTENDED for each in text)


def shortened(text: str, most: int) -> str:
    """Gives a spelled text, with two dots in place of what takes too many places."""
    if length(text) <= most:
        return text
    while text and length(text) > most - 2:
        text = text[:-1]
    return f"{text.rstrip()}.." if text else ""


def _letter(letter: str) -> str:
    if letter in BASIC or letter in EXTENDED:
        return letter
    plain = unicodedata.normalize("NFKD", letter)
    kept = "".join(each for each in plain if each in BASIC or each in EXTENDED)
    return kept or ("" if unicodedata.combining(letter) else "?")
