"""Time zones by the release of the time zone data this program was built with."""

from difflib import get_close_matches
from functools import cache
from importlib import resources
from importlib.abc import Traversable
from zoneinfo import ZoneInfo

import tzdata  # type: ignore[import-untyped]  # data with a version, no types

from libs import problems
from libs.problems import CannotStart

TZDATA_VERSION: str = tzdata.IANA_VERSION
"""Next runs computed under another version are to be computed again."""

LONGEST_SHOWN = 64
PACKAGE: Traversable = resources.files("tzdata")


class TimeZoneUnknown(problems.InvalidRequest):
    """Write the IANA name of a time zone, such as America/Chicago, Europe/London or UTC."""

    reason = "TIME_ZONE_UNKNOWN"


class TimeZoneDataBroken(CannotStart):
    """The time zone data of the package `tzdata` is not whole: install the package again."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def check(package: Traversable = PACKAGE) -> None:
    """Makes sure, before anything fires, that the data is there and of the version it says."""
    try:
        with package.joinpath("zoneinfo", "tzdata.zi").open() as content:
            first_line = content.readline().strip()
    except OSError as error:
        raise TimeZoneDataBroken from error
    if first_line != f"# version {TZDATA_VERSION}":
        raise TimeZoneDataBroken


@cache
def names() -> frozenset[str]:
    """Gives the names of all time zones."""
    return frozenset(PACKAGE.joinpath("zones").read_text().split())


def zone(name: str) -> ZoneInfo:
    """Gives the time zone of a name; raises `TimeZoneUnknown`.

    Never asks the machine's own copy of the data, which may be years older than
    the package. Only listed names reach the disk.
    """
    if name not in names():
        raise _unknown(name[:LONGEST_SHOWN])
    return _loaded(name)


@cache
def _loaded(name: str) -> ZoneInfo:
    file = PACKAGE.joinpath("zoneinfo", *name.split("/"))
    with file.open("rb") as content:
        return ZoneInfo.from_file(content, key=name)


def _unknown(name: str) -> problems.Problem:
    near = get_close_matches(name, sorted(names()), n=1)
    meant = f"Did you mean {near[0]}? " if near else ""
    return TimeZoneUnknown.at(
        "timezone", f"{name!r} is not a time zone. {meant}{TimeZoneUnknown.__doc__}"
    )
