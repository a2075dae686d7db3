"""The numbers as the tables that people read."""

from collections.abc import Sequence
from pathlib import Path

from tests.bench.load import Run
from tests.bench.questions import Answered
from tests.bench.rates import DoorRate, Limits
from tests.bench.usage import Usage

Moment = tuple[str, Usage]
"""When it was, and the MiB that each program held."""


def written(
    *,
    machine: str,
    doors: Sequence[DoorRate],
    lone: Run,
    limits: Limits,
    answers: Sequence[Answered],
    resident: Sequence[Moment],
) -> str:
    """Gives the whole report in Markdown."""
    parts = [f"Measured on {machine}.\n", _doors(doors)]
    parts += ["Processor time for each webhook, in microseconds:\n", _costs(doors)]
    parts.append(f"A lone webhook on an idle system: p50 {lone.percentile(0.5):.1f} ms.\n")
    parts += [_limits(limits), _answers(answers), memory("resident MiB", resident)]
    return "\n".join(parts)


def put_into(page: Path, found: str, *, part: str) -> None:
    """Replaces what stands between the marks of a part of the page."""
    begin, end = f"<!-- {part}: begin -->\n", f"<!-- {part}: end -->\n"
    head, _, rest = page.read_text().partition(begin)
    _, _, tail = rest.partition(end)
    page.write_text(f"{head}{begin}\n{found}\n{end}{tail}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Gives a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _doors(doors: Sequence[DoorRate]) -> str:
    head = ["connections", "webhooks/s", "p50 / p99 ms", "naive/s", "naive p50 / p99 ms"]
    head += ["times as many", "times as soon at p99"]
    rows = [
        [
            str(each.connections),
            f"{each.rate:,.0f}",
            f"{each.p50:.1f} / {each.p99:.1f}",
            f"{each.naive_rate:,.0f}",
            f"{each.naive_p50:.1f} / {each.naive_p99:.1f}",
            f"{each.ratio:.1f}",
            f"{each.p99_ratio:.1f}",
        ]
        for each in doors
    ]
    return table(head, rows)


def _costs(doors: Sequence[DoorRate]) -> str:
    ours, naive = list(doors[0].cost), list(doors[0].naive_cost)
    head = ["connections", *ours, "all", *naive, "all"]
    rows = [
        [
            str(each.connections),
            *(f"{each.cost[name]:.0f}" for name in ours),
            f"{sum(each.cost.values()):.0f}",
            *(f"{each.naive_cost[name]:.0f}" for name in naive),
            f"{sum(each.naive_cost.values()):.0f}",
        ]
        for each in doors
    ]
    return table(head, rows)


def _limits(limits: Limits) -> str:
    rows = [
        ["RecordExecutions, 500 a call", limits.contract, f"{limits.contract_ratio:.2f}"],
        ["ImportExecutions", limits.imported, f"{limits.import_ratio:.2f}"],
        ["psycopg's binary COPY, 1,000 at a time, into the same table", limits.copy, "1"],
        ["one INSERT and one commit a row", limits.insert, f"{limits.insert / limits.copy:.2f}"],
    ]
    return table(["rows", "rows/s", "of COPY"], [[a, f"{b:,.0f}", c] for a, b, c in rows])


def _answers(answers: Sequence[Answered]) -> str:
    head = ["rows in the log", "metrics of 30 days", "threshold", "first page", "page 41"]
    rows = [
        [
            f"{each.rows:,}",
            *(
                f"{ms:.2f} ms"
                for ms in (each.metrics, each.threshold, each.first_page, each.deep_page)
            ),
        ]
        for each in answers
    ]
    return table(head, rows)


def memory(title: str, moments: Sequence[Moment]) -> str:
    """Gives the memory of each program at some moments."""
    head = [title, *(when for when, _ in moments)]
    rows = [[name, *(f"{held[name]:.0f}" for _, held in moments)] for name in moments[0][1]]
    return table(head, rows)
