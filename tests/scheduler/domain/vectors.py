"""Known answers of the wall-clock rule, and the timings they are for."""

import json
from datetime import datetime
from pathlib import Path

from services.scheduler.domain import timing
from services.scheduler.domain.timing import Frequency, Timing

FOLDER = Path(__file__).parents[1] / "data"


def read(name):
    return json.loads((FOLDER / name).read_text())


def at(text):
    return datetime.fromisoformat(text)


def timing_of(vector):
    wanted = Timing(
        frequency=Frequency(vector["frequency"]),
        preferred_time=vector.get("preferred_time", ""),
        timezone=vector["tz"],
        weekday=vector.get("weekday"),
        cron_expression=vector.get("cron", ""),
    )
    return timing.settled(wanted, at(vector["now_utc"]))


def cron(text, timezone="UTC"):
    return Timing(frequency=Frequency.CRON, timezone=timezone, cron_expression=text)


def daily(preferred_time, timezone="America/Chicago"):
    return Timing(frequency=Frequency.DAILY, preferred_time=preferred_time, timezone=timezone)
