"""How much a scan takes that applies all rules: processor seconds and memory, and how both grow.

Run as a program with a file of definitions, it judges them as a scan does: read one after the
other, once for how they start each other and once for the rules.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from services.scheduler.domain.evidence import LocationEvidence, WorkflowEvidence, location_graph
from services.scheduler.domain.references import References
from services.scheduler.domain.result import examined
from tests.scheduler.domain.making import ran
from tests.scheduler.domain.unseen.drawing import DIALECTS, exported
from tests.scheduler.domain.unseen.recipes import Drawer
from tests.scheduler.domain.unseen.speech import a_voice
from tests.scheduler.domain.unseen.world import World

STEPS = 50
DISTINCT = 60
NUMBER = "number-to-be"
SIZES, QUICK_SIZES = (100, 1_000, 10_000), (100, 1_000)


@dataclass(frozen=True)
class Judged:
    """What it took to judge some workflows."""

    workflows: int
    cpu_seconds: float
    resident_mib: float
    findings: int


async def measured(folder: Path, *, quick: bool) -> list[Judged]:
    """Judges more and more workflows, each time in a process of its own."""
    return [await _judged(folder, size) for size in (QUICK_SIZES if quick else SIZES)]


def written(found: Sequence[Judged]) -> str:
    """Gives the table."""
    lines = [
        f"All rules on workflows of {STEPS} steps, definitions read from JSON one by one:\n",
        "| workflows | CPU seconds | CPU ms a workflow | resident MiB at most | findings |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {each.workflows:,} | {each.cpu_seconds:.2f} "
        f"| {1000 * each.cpu_seconds / each.workflows:.2f} | {each.resident_mib:.0f} "
        f"| {each.findings:,} |"
        for each in found
    ]
    return "\n".join([*lines, ""])


async def _judged(folder: Path, size: int) -> Judged:
    path = folder.with_name(f"{size}.ndjson")
    with path.open("w") as lines:
        lines.writelines(f"{line}\n" for line in _definitions(size))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.scanning", path, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"judging {size} workflows ended with {process.returncode}")
    path.unlink()
    return Judged(size, **json.loads(told))


def _definitions(count: int) -> Iterator[str]:
    """Gives definitions of exactly as many steps, each workflow with a trigger of its own."""
    distinct = [_definition(Random(number)) for number in range(min(count, DISTINCT))]
    for number in range(count):
        yield distinct[number % DISTINCT].replace(NUMBER, f"{number:05}")


def _definition(random: Random) -> str:
    drawer = Drawer(random, World(random), a_voice(random), NUMBER)
    drawer.flow.id = f"wf-{NUMBER}"
    drawer.starts_on("contact_created")
    drawer.flow.triggers[0]["conditions"][0]["value"] = NUMBER
    drawer.sms("greeting")
    drawer.find(drawer.note, drawer.opportunity)
    drawer.split_by_tag(lambda: drawer.chase(4), lambda: drawer.chase(2), ways=2)
    drawer.custom_hook()
    while len(drawer.flow.nodes) < STEPS - 1:
        drawer.wait()
        random.choice((drawer.sms, drawer.email))()
    if len(drawer.flow.nodes) < STEPS:
        drawer.tag()
    return json.dumps(exported(drawer.flow, random.choice(DIALECTS), random))


def _judge(path: Path) -> dict[str, float]:
    began = time.process_time()
    lists = References(tags=frozenset(), users=frozenset(), custom_values={})
    history = ran("S" * 18 + "FF").history
    location = LocationEvidence(
        location_id="loc-bench", references=lists, graph=location_graph(_read(path))
    )
    findings = 0
    for each in _read(path):
        known = WorkflowEvidence(
            workflow_id=each.workflow_id, definition=each.definition, history=history
        )
        findings += len(examined(known, location).findings)
    return {
        "cpu_seconds": time.process_time() - began,
        "resident_mib": _most_resident(),
        "findings": findings,
    }


def _most_resident() -> float:
    """Gives the MiB that were resident at most; getrusage would count what the parent had."""
    about = Path("/proc/self/status").read_text()
    return int(about.partition("VmHWM:")[2].split()[0]) / 1024


def _read(path: Path) -> Iterator[WorkflowEvidence]:
    with path.open() as lines:
        for number, line in enumerate(lines):
            yield WorkflowEvidence(workflow_id=f"wf-{number:05}", definition=json.loads(line))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_judge(Path(sys.argv[1]))))
