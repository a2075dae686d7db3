"""Measures the hot path and prints what this machine can do: `python -m tests.bench [--quick] [--only PART]`."""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from tests.bench import alerting, questions, rates, report, scanning, scheduling, usage
from tests.bench.programs import street

LONGEST_SECONDS = 600
LONGEST_MEASURED = 420
"""Of the first part; the others take the rest."""
STEPS = 10
ALWAYS = ("measured", "scanning", "scheduling", "alerting")
PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


async def measured(folder: Path, *, quick: bool) -> str:
    """Gives the report."""
    began = time.monotonic()
    async with street(folder) as programs:
        # The first seconds fill caches and prepare statements.
        await rates.door_rates(programs, connections=(64,), seconds=1, rounds=1, series="warm")
        before = usage.resident_mib(programs.processes)
        doors = await rates.door_rates(
            programs,
            connections=(1, 64, 256),
            seconds=2 if quick else 5,
            rounds=1 if quick else 5,
        )
        middle = usage.resident_mib(programs.processes)
        lone = await rates.lone_webhook(programs, count=20 if quick else 50, pause=0.05)
        limits = await rates.limits(programs, rounds=1 if quick else 3)
        after = usage.resident_mib(programs.processes)
        sizes = (10_000, 100_000) if quick else (100_000, 1_000_000, 5_000_000)
        answers = []
        size_began = time.monotonic()
        async for each in questions.answered(programs.cluster, sizes):
            answers.append(each)
            # The next size takes about five times as long; a slow machine leaves it out.
            now = time.monotonic()
            if now - began + 5 * (now - size_began) > LONGEST_MEASURED:
                break
            size_began = now
    return report.written(
        machine=machine(),
        doors=doors,
        lone=lone,
        limits=limits,
        answers=answers,
        resident=[
            ("warm", before),
            ("after the webhooks", middle),
            ("after the batches", after),
        ],
    )


async def million(folder: Path, *, quick: bool) -> str:
    """Gives the memory of each program while a million webhooks arrive."""
    step = (10_000 if quick else 1_000_000) // STEPS
    async with street(folder) as programs:
        moments = [("0", usage.resident_mib(programs.processes))]
        for number in range(1, STEPS + 1):
            await rates.sent(programs, count=step, series=f"m{number}")
            moments.append((f"{number * step:,}", usage.resident_mib(programs.processes)))
    return f"Measured on {machine()}.\n\n{report.memory('MiB after webhooks', moments)}"


def machine() -> str:
    """Describes where this was measured."""
    about = dict(
        line.partition(":")[::2]
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if ":" in line
    )
    model = {name.strip(): value.strip() for name, value in about.items()}.get("model name", "?")
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE") / 2**30
    load, _, _ = os.getloadavg()
    return (
        f"{os.cpu_count()} cores ({model}), {gigabytes:.0f} GiB, Python "
        f"{platform.python_version()}, {time.strftime('%Y-%m-%d')}; the load generator, "
        f"PostgreSQL and all programs share them; load before the start {load:.1f}"
    )


async def scans(folder: Path, *, quick: bool) -> str:
    """Gives the report on scanning."""
    return scanning.written(await scanning.measured(folder, quick=quick))


PARTS = {
    "measured": measured,
    "scanning": scans,
    "scheduling": scheduling.measured,
    "million": million,
    "alerting": alerting.measured,
}
"""What can be measured by itself, by the name of its marks in the documentation."""


async def main() -> int:
    """Measures, prints, and writes the tables into the documentation."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute, and only printed")
    parser.add_argument("--only", choices=PARTS, help="only this part")
    asked = parser.parse_args()
    for name in [asked.only] if asked.only else ALWAYS:
        with tempfile.TemporaryDirectory(prefix="runwarden-bench-") as given:
            folder = Path(given)
            os.chmod(folder, 0o711)  # noqa: PTH101  lets root hand PostgreSQL to another user
            async with asyncio.timeout(LONGEST_SECONDS):
                found = await PARTS[name](folder / "programs", quick=asked.quick)
        sys.stdout.write(f"{found}\n")
        if not asked.quick:
            report.put_into(PAGE, found, part=name)
    return 0


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
