"""Rows of CSV (RFC 4180) out of lines: a quoted cell may go on over several."""

import csv
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence

from gateway.payloads.lines import LineTooLong, lines
from libs.problems import InvalidRequest

Row = Sequence[str] | InvalidRequest
"""The cells of a row, or why it cannot be read."""


class ColumnsDiffer(InvalidRequest):
    """The line has another number of columns than the header."""

    reason = "COLUMNS_DIFFER"


class RowMalformed(InvalidRequest):
    """Put a cell with quotes or line breaks in quotes, and write each quote inside it twice."""

    reason = "ROW_MALFORMED"


async def rows(chunks: AsyncIterable[bytes], longest: int) -> AsyncIterator[tuple[int, Row]]:
    """Gives rows and the lines they begin in; all have as many cells as the first one.

    `longest` is that of a row, in bytes. Empty lines are no rows.
    """
    joining = _Joining(longest)
    async for line, text in lines(chunks, longest):
        for row in joining.take(line, text):
            yield row
    for row in joining.end():
        yield row


class _Joining:
    """Joins lines to rows; a row that cannot be closed costs its first line and no other.

    Each line is looked at three times at most: between the two lines of a row
    in which a cell begins and ends all have an even number of quotes, and such
    a line begins no row that goes on.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._columns: int | None = None
        self._held: list[tuple[int, bytes]] = []
        self._size = 0

    def take(self, line: int, text: bytes | LineTooLong) -> Iterator[tuple[int, Row]]:
        """Gives the rows that end with a line."""
        if isinstance(text, LineTooLong):
            yield from self.end()
            yield line, text
        elif self._held:
            yield from self._go_on(line, text)
        elif text.strip():
            row = self._row(text)
            if isinstance(row, RowMalformed) and text.count(b'"') % 2:
                self._hold(line, text)
            else:
                yield line, row

    def end(self) -> Iterator[tuple[int, Row]]:
        """Gives the rows of what no further line can close."""
        while self._held:
            yield from self._give_up()

    def _go_on(self, line: int, text: bytes) -> Iterator[tuple[int, Row]]:
        self._hold(line, text)
        start = self._held[0][0]
        if self._size > self._longest:
            yield from self._give_up()
        elif text.count(b'"') % 2:
            row = self._row(b"".join(each for _, each in self._held))
            if isinstance(row, InvalidRequest):
                yield from self._give_up()
            else:
                self._release()
                yield start, row

    def _give_up(self) -> Iterator[tuple[int, Row]]:
        (start, first), *others = self._release()
        yield start, self._row(first)
        for each in others:
            yield from self.take(*each)

    def _hold(self, line: int, text: bytes) -> None:
        self._held.append((line, text))
        self._size += len(text)

    def _release(self) -> list[tuple[int, bytes]]:
        held, self._held, self._size = self._held, [], 0
        return held

    def _row(self, text: bytes) -> Row:
        try:
            cells = next(csv.reader([text.decode("utf-8-sig")], strict=True), [])
        except UnicodeDecodeError as error:
            return ColumnsDiffer(f"The line is no text in UTF-8: {error}.")
        except csv.Error:
            return RowMalformed()
        self._columns = self._columns or len(cells)
        if len(cells) != self._columns:
            return ColumnsDiffer(
                f"The line has {len(cells)} columns and the header {self._columns}."
            )
        return cells
