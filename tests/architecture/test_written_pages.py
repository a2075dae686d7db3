"""The pages that the code writes are the ones that are committed."""

import re

import pytest
from prometheus_client import generate_latest

from libs import metrics
from services.standalone import reference


@pytest.mark.parametrize("place", reference.pages(), ids=lambda place: place.name)
def test_a_page_is_what_the_code_says(place):
    assert place.read_text() == reference.pages()[place], "run `make docs`"


def test_every_setting_says_what_it_means():
    assert [each.name for each in reference.variables() if not each.meaning] == []


@pytest.mark.parametrize("variable", reference.variables(), ids=lambda variable: variable.name)
def test_what_sounds_like_a_secret_is_one_by_type(variable):
    words = ("TOKEN", "_PASS", "DATABASE_URL", "ENCRYPTION_KEYS")
    assert variable.secret or not any(word in variable.name for word in words)


def test_the_page_of_metrics_lists_what_every_program_prints():
    page = reference.metrics_page()  # by now everything of ours is imported
    listed = re.findall(r"^\| `(\w+)`", page, re.MULTILINE)
    printed = re.findall(r"^# TYPE (\w+)", generate_latest().decode(), re.MULTILINE)
    ours = [each for each in printed if not each.startswith(("python_", "process_"))]
    # When a time series began is printed, too, as a series of its own.
    assert sorted(listed) == sorted(each for each in ours if not each.endswith("_created"))


def test_no_metric_grows_with_locations_or_workflows():
    labels = {each for metric in metrics.all_ours() for each in metric._labelnames}
    of_the_code = {"service", "method", "code", "job", "result", "outcome", "status", "kind"}
    assert labels == {*of_the_code, "channel"}
