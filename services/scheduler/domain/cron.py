"""Cron lines: which slots of the wall clock they name, whatever the clock does there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cronsim import CronSim, CronSimError

from libs import problems

LONGEST_TEXT = 100
TICK = timedelta(microseconds=1)
FIELDS = (
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of month", "1 to 31, or L for the last"),
    ("month", "1 to 12 or JAN to DEC"),
    ("day of week", "0 to 7 (0 and 7 are Sunday) or SUN to SAT"),
)
ANY_DAY = datetime(2024, 1, 1)  # noqa: DTZ001  # cron lines know no time zone


class CronMalformed(problems.InvalidRequest):
    """Write five fields: minute, hour, day of month, month, day of week. 0 9 * * 1 is Monday 09:00."""

    reason = "CRON_MALFORMED"


class CronNeverFires(problems.InvalidRequest):
    """No such day or time ever comes; choose a day that the month has and an hour that exists."""

    reason = "CRON_NEVER_FIRES"


@dataclass(frozen=True, slots=True)
class CronLine:
    """Five fields as Debian cron reads them, in naive local time: cronsim is never told a zone.

    cronsim's own handling of clock changes answers with times in the past inside
    a repeated hour, so what the clocks do is left to `wall_clock`.
    """

    text: str

    @property
    def names_times(self) -> bool:
        """Whether it names times of day, rather than a rhythm that goes on through the hours."""
        minute, hour = self.text.split()[:2]
        return not (minute.startswith("*") or hour.startswith("*"))

    def after(self, local: datetime) -> Iterator[datetime]:
        """Gives its slots strictly after, in order; ends when none comes for 50 years."""
        return CronSim(self.text, local)

    def until(self, local: datetime) -> Iterator[datetime]:
        """Gives its slots at or before, backwards; ends when none was for 50 years."""
        return CronSim(self.text, local + TICK, reverse=True)


def parsed(text: str) -> CronLine:
    """Gives the line of a text, one space between fields; says which field is wrong."""
    if len(text) > LONGEST_TEXT:
        raise _malformed(f"A cron expression has at most {LONGEST_TEXT} characters.")
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise _malformed(f"{text!r} is not five fields. {CronMalformed.__doc__}")
    for position, field in enumerate(fields):
        _check(position, field)
    line = CronLine(" ".join(fields))
    if not _reads(line.text) or next(line.after(ANY_DAY), None) is None:
        raise never_fires(line)
    return line


def never_fires(line: CronLine) -> problems.Problem:
    """Gives the problem of a line that names nothing."""
    return CronNeverFires.at("cron_expression", f"{line.text!r}: {CronNeverFires.__doc__}")


def _check(position: int, field: str) -> None:
    alone = ["*"] * len(FIELDS)
    alone[position] = field
    if not _reads(" ".join(alone)):
        name, values = FIELDS[position]
        raise _malformed(
            f"{field!r} cannot be the {name}: write {values}, or * for every one, "
            "lists as 1,3, ranges as 1-5, steps as */2."
        )


def _reads(text: str) -> bool:
    try:
        CronSim(text, ANY_DAY)
    except CronSimError:
        return False
    return True


def _malformed(message: str) -> problems.Problem:
    return CronMalformed.at("cron_expression", message)
