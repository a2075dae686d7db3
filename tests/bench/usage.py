"""What each program uses: processor time and memory, as the system counts them."""

import os
from collections.abc import Mapping

import psutil

POSTGRESQL, LOAD = "PostgreSQL", "load generator"
Usage = Mapping[str, float]


def processor_seconds(programs: Mapping[str, int]) -> dict[str, float]:
    """Gives the processor time that each program has taken so far, PostgreSQL's and ours included."""
    spent = {name: _spent(psutil.Process(pid)) for name, pid in programs.items()}
    spent[POSTGRESQL] = _spent_by_postgres()
    here = os.times()
    spent[LOAD] = here.user + here.system
    return spent


def for_each(before: Usage, after: Usage, count: int) -> dict[str, float]:
    """Gives the microseconds for each of so many webhooks."""
    return {name: (after[name] - before[name]) / count * 1e6 for name in after}


def resident_mib(programs: Mapping[str, int]) -> dict[str, float]:
    """Gives the memory that each program holds."""
    return {name: psutil.Process(pid).memory_info().rss / 2**20 for name, pid in programs.items()}


def _spent(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:4]))


def _spent_by_postgres() -> float:
    """Sums up the server's processes; a connection that ended is in its parent's children."""
    found = psutil.Process().children(recursive=True)
    spent = 0.0
    for each in found:
        try:
            if each.name().startswith("postgres"):
                own = each.cpu_times()
                spent += own.user + own.system
                is_first = each.parent() is None or not each.parent().name().startswith("postgres")
                spent += own.children_user + own.children_system if is_first else 0
        except psutil.NoSuchProcess:
            continue
    return spent
