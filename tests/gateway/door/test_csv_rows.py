"""Rows of CSV: what is wrong with one costs no other."""

import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.payloads.csv_rows import rows
from libs.problems import InvalidRequest

LONGEST = 200
cells = st.text(st.sampled_from("ab,\"'\n ;é"), max_size=8)


async def read(text, *, chunk=7, longest=LONGEST):
    """Gives the rows of a text that arrives in pieces, by the line they begin in."""

    async def pieces():
        body = text.encode()
        for start in range(0, len(body), chunk):
            yield body[start : start + chunk]

    return {
        line: row.reason if isinstance(row, InvalidRequest) else list(row)
        async for line, row in rows(pieces(), longest)
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('a,b\n1,5" pipe\n2,3\n', {1: ["a", "b"], 2: ["1", '5" pipe'], 3: ["2", "3"]}),
        ('a,b\n1,"x\n\n y"\n2,3', {1: ["a", "b"], 2: ["1", "x\n\n y"], 5: ["2", "3"]}),
        ('a,b\n1,"x\n2,3\n', {1: ["a", "b"], 2: "ROW_MALFORMED", 3: ["2", "3"]}),
        ('a,b\n1,"x', {1: ["a", "b"], 2: "ROW_MALFORMED"}),
        (
            'a,b\n1,"x\n2,3\n4,"5\n6"\n7,8\n',
            {1: ["a", "b"], 2: "ROW_MALFORMED", 3: ["2", "3"], 4: ["4", "5\n6"], 6: ["7", "8"]},
        ),
        (
            f'a,b\n1,"x\n{"2,3" * 40}\n4,5\n6,{"7" * 200}\n8,9\n',
            {
                1: ["a", "b"],
                2: "ROW_MALFORMED",
                3: "COLUMNS_DIFFER",
                4: ["4", "5"],
                5: "RECORD_TOO_LONG",
                6: ["8", "9"],
            },
        ),
        ('a,b\n"1"2,3\n4\n\n5,6\n', {1: ["a", "b"], 2: "ROW_MALFORMED", 3: "COLUMNS_DIFFER", 5: ["5", "6"]}),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_row_costs_no_other(text, found):
    assert await read(text) == found


@given(
    written=st.lists(st.tuples(cells, cells, st.just("x")), min_size=1, max_size=8),
    chunk=st.integers(1, 40),
)
async def test_what_is_written_as_csv_is_read_as_it_was(written, chunk):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(written)
    found = await read(out.getvalue(), chunk=chunk)
    assert list(found.values()) == [list(row) for row in written]


@pytest.mark.parametrize("line", ['a","c\n', '"\n', '",\n', 'a"b,"c\n', '""\n', '"""\n'])
async def test_no_pattern_of_quotes_makes_reading_slow(line):
    begin = time.process_time()
    await read("a,b\n" + line * 20_000, chunk=65_536, longest=65_536)
    assert time.process_time() - begin < 2
