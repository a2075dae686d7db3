"""The numbers as the tables that people read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.load import Run
from tests.bench.questions import Answered
from tests.bench.rates import DoorRate, Limits


def written(
    *,
    machine: str,
    doors: Sequence[DoorRate],
    lone: Run,
    limits: Limits,
    answers: Sequence[Answered],
    memory: Sequence[Mapping[str, float]],
) -> str:
    """Gives the whole report in Markdown."""
    parts = [f"Measured on {machine}.\n", _doors(doors)]
    parts.append(f"A lone webhook on an idle system: p50 {lone.percentile(0.5):.1f} ms.\n")
    parts += [_limits(limits), _answers(answers), _memory(memory)]
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
    head = ["connections", "webhooks/s", "p50 / p99 ms", "naive/s", "naive p50 / p99 ms", "ratio"]
    rows = [
        [
            str(each.connections),
            f"{each.rate:,.0f}",
            f"{each.p50:.1f} / {each.p99:.1f}",
            f"{each.naive_rate:,.0f}",
            f"{each.naive_p50:.1f} / {each.naive_p99:.1f}",
            f"{each.ratio:.1f}",
        ]
        for each in doors
    ]
    return table(head, rows)


def _limits(limits: Limits) -> str:
    rows = [
        ["RecordExecutions, 500 a call", f"{limits.contract:,.0f}"],
        ["psycopg's binary COPY, 1,000 at a time, into the same table", f"{limits.copy:,.0f}"],
        ["one INSERT and one commit a row", f"{limits.insert:,.0f}"],
    ]
    return table(["rows", "rows/s"], rows)


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


def _memory(memory: Sequence[Mapping[str, float]]) -> str:
    head = ["resident MiB", "warm", "after the doors", "after the batches"]
    rows = [[name, *(f"{moment[name]:.0f}" for moment in memory)] for name in memory[0]]
    return table(head, rows)
