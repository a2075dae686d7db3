"""Cuts what is streamed into lines, none of which may be too long."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Self

from libs.problems import InvalidRequest

KIB = 1024


class LineTooLong(InvalidRequest):
    """The line is longer than it may be."""

    reason = "RECORD_TOO_LONG"

    @classmethod
    def than(cls, longest: int) -> Self:
        """Gives the problem with the longest it may be, in bytes."""
        return cls(f"The line is longer than {longest // KIB} KiB.")


async def lines(
    chunks: AsyncIterable[bytes], longest: int
) -> AsyncIterator[tuple[int, bytes | LineTooLong]]:
    """Gives lines with their numbers, from 1; of one that is too long only that."""
    too_long = LineTooLong.than(longest)
    line, rest, skipping = 1, b"", False
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for text in whole:
            yield line, too_long if skipping or len(text) > longest else text + b"\n"
            line, skipping = line + 1, False
        if len(rest) > longest:
            rest, skipping = b"", True
    if rest or skipping:
        yield line, too_long if skipping else rest
