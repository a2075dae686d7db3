"""Where time zones come from."""

import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from libs.problems import CannotStart
from services.scheduler.domain.zones import TZDATA_VERSION, TimeZoneUnknown, check, names, zone

ROOT = Path(__file__).parents[3]
ASK_FOR_NOON = """
from datetime import UTC, datetime
from services.scheduler.domain.zones import zone
print(datetime(2025, 7, 1, 12, tzinfo=UTC).astimezone(zone("America/Chicago")).hour)
"""


def test_every_listed_zone_can_be_loaded():
    assert {zone(name).key for name in names()} == names()
    assert {"UTC", "America/Chicago", "US/Central"} <= names()


def test_the_version_is_the_packages():
    first_line = (
        resources.files("tzdata").joinpath("zoneinfo/tzdata.zi").read_text().splitlines()[0]
    )

    assert first_line == f"# version {TZDATA_VERSION}"


def test_data_of_another_version_or_none_at_all_is_noticed_at_the_start(tmp_path):
    check()

    with pytest.raises(CannotStart, match="install the package again"):
        check(tmp_path)
    (tmp_path / "zoneinfo").mkdir()
    (tmp_path / "zoneinfo" / "tzdata.zi").write_text("# version 2001a\n")
    with pytest.raises(CannotStart, match="tzdata"):
        check(tmp_path)


def test_the_machines_own_zones_are_never_asked(tmp_path):
    wrong = tmp_path / "America" / "Chicago"
    wrong.parent.mkdir()
    wrong.write_bytes(resources.files("tzdata").joinpath("zoneinfo/UTC").read_bytes())

    said = subprocess.run(
        [sys.executable, "-c", ASK_FOR_NOON],
        env={"PYTHONTZPATH": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout == "7\n"


@pytest.mark.parametrize(
    "name",
    ["Mars/Base", "", ".", "../zones", "/etc/localtime", "America", "America/../UTC", "x" * 9999],
)
def test_a_name_that_is_no_zone_is_refused_with_what_to_write(name):
    with pytest.raises(TimeZoneUnknown) as refused:
        zone(name)

    assert "such as America/Chicago" in refused.value.message
    assert len(refused.value.message) < 300


def test_a_name_that_is_nearly_a_zone_is_answered_with_the_zone():
    with pytest.raises(TimeZoneUnknown, match=r"Did you mean America/Chicago\?"):
        zone("america/chicago")
