"""Laws of how problems are told."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rest import problems as told
from libs import problems
from libs.rpc.status import KINDS

TEXTS = st.text(max_size=50)
REASONS = st.from_regex(r"[A-Z]{2,10}(_[A-Z]{2,10}){0,3}", fullmatch=True)
FIELDS = st.lists(st.builds(problems.FieldError, TEXTS, TEXTS), max_size=10)


def below(kind):
    return [kind, *(each for sub in kind.__subclasses__() for each in below(sub))]


@given(
    kind=st.sampled_from([each.problem for each in KINDS]),
    reason=REASONS,
    message=TEXTS.filter(bool),
    fields=FIELDS,
)
def test_every_problem_has_the_same_shape(kind, reason, message, fields):
    problem = kind(message, fields=fields)
    problem.reason = reason

    document = told.document(problem, "/api/x")

    broken = kind is problems.Broken
    assert document["status"] == told.status_of(problem)
    assert document["reason"] == ("INTERNAL" if broken else reason)
    assert re.fullmatch(r"urn:runwarden:problem:[a-z-]+", document["type"])
    assert document["title"]
    assert (document["detail"] == message) is not broken or broken
    assert document["instance"] == "/api/x"
    assert len(document.get("errors", [])) == len(fields)
    assert all(set(each) == {"field", "message"} for each in document.get("errors", []))


@pytest.mark.parametrize("kind", KINDS, ids=lambda each: each.code.name)
def test_every_kind_has_the_status_of_the_table(kind):
    assert told.status_of(kind.problem()) == kind.http


@pytest.mark.parametrize("kind", below(told.HttpProblem)[1:])
def test_what_only_http_knows_has_a_status_of_its_own(kind):
    assert told.status_of(kind()) == kind.http
    assert kind.http not in {each.http for each in KINDS}
    assert kind().message


@given(seconds=st.floats(min_value=0, max_value=1e6))
def test_a_wait_is_told_in_whole_seconds_and_never_too_short(seconds):
    problem = problems.TooMany(retry_after=timedelta(seconds=seconds))

    header = int(told.headers_of(problem)["Retry-After"])

    assert header >= max(1, seconds - 1e-6)
    assert header <= seconds + 1


@pytest.mark.parametrize(
    ("sent", "told_as"),
    [
        ("failureThreshold", "failure_threshold"),
        ("selectedWorkflowIds.3", "selected_workflow_ids.3"),
        ("limit", "limit"),
        ("x1Y", "x1_y"),
    ],
)
def test_names_are_told_as_columns_have_them(sent, told_as):
    assert told.snake_case(sent) == told_as
