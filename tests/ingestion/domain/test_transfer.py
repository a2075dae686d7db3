"""A line of history has the same id at each import, and no other line has it."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.domain.execution import Report, Status
from services.ingestion.domain.transfer import Line, Naming

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEPT = timedelta(days=90)

reports = st.builds(
    Report,
    location_id=st.sampled_from(["l", "m"]),
    workflow_id=st.sampled_from(["a", "b"]),
    status=st.sampled_from(Status),
    error_message=st.sampled_from(["", "timeout"]),
    executed_at=st.timedeltas(timedelta(0), KEPT).map(lambda age: NOW - age),
    execution_time_ms=st.sampled_from([None, 0, 1]),
)


def ids(reports):
    naming = Naming()
    return [
        naming.execution_of(Line(number, each), each, NOW, KEPT).execution_id
        for number, each in enumerate(reports)
    ]


@given(st.lists(reports, max_size=8))
def test_the_same_file_has_the_same_ids_and_all_differ(file):
    doubled = [*file, *file]
    assert ids(doubled) == ids(doubled)
    assert len(set(ids(doubled))) == len(doubled)


@given(reports)
def test_an_id_is_a_uuid_of_version_7_that_tells_the_time_of_the_run(report):
    (found,) = map(UUID, ids([report]))
    assert (found.version, found.variant) == (7, RFC_4122)
    made_at = datetime.fromtimestamp((found.int >> 80) / 1000, UTC)
    assert timedelta(0) <= report.executed_at - made_at < timedelta(milliseconds=2)
