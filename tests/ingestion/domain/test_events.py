"""What waits in the outbox is what was meant."""

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.domain.change import WorkflowChange
from services.ingestion.domain.events import (
    RecordingGapOver,
    WorkflowFailing,
    WorkflowRecovered,
    event_from,
    kind_of,
    payload_of,
)

texts = st.text()
counts = st.integers(0, 2**31 - 1)
moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-6))]))
changes = st.builds(
    WorkflowChange,
    changed_at=moments,
    name=texts,
    version=st.none() | counts,
    previous_version=st.none() | counts,
)
over = st.builds(
    RecordingGapOver,
    occurred_at=moments,
    gap_id=texts,
    start=moments,
    end=moments,
    execution_count=counts,
)
events = (
    over
    | st.builds(
        WorkflowFailing,
        location_id=texts,
        occurred_at=moments,
        workflow_id=texts,
        workflow_name=texts,
        new_failures=counts,
        failure_count=counts,
        failure_threshold=counts,
        time_window_hours=counts,
        first_failure_at=moments,
        last_failure_at=moments,
        failed_action_name=texts,
        error_message=texts,
        error_class=texts,
        execution_ids=st.lists(texts, max_size=5).map(tuple),
        last_change=st.none() | changes,
        first_since_change=st.none() | moments,
    )
    | st.builds(
        WorkflowRecovered,
        location_id=texts,
        occurred_at=moments,
        workflow_id=texts,
        workflow_name=texts,
        recovered_at=moments,
    )
)


@given(events)
def test_an_event_survives_being_written_as_json(event):
    written = json.loads(json.dumps(payload_of(event)))
    assert event_from(kind_of(event), written) == event


def test_kinds_keep_their_names_because_rows_of_before_an_update_wait_in_the_outbox():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    written = {
        "location_id": "l",
        "occurred_at": moment.isoformat(),
        "workflow_id": "w",
        "workflow_name": "n",
        "recovered_at": moment.isoformat(),
    }
    assert event_from("workflow_recovered", written) == WorkflowRecovered(
        location_id="l",
        occurred_at=moment,
        workflow_id="w",
        workflow_name="n",
        recovered_at=moment,
    )
