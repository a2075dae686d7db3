from datetime import UTC, datetime, timedelta

import pytest

from gateway.rest.problems import MEDIA_TYPE
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.problems import AlreadyExists, InvalidRequest, NotFound, Overtaken
from libs.rpc.times import timestamp

AT = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


class ScheduleNotFound(NotFound):
    """The location has no schedule."""

    reason = "SCHEDULE_NOT_FOUND"


class RequestIdReused(AlreadyExists):
    """The request_id was used for something else."""

    reason = "REQUEST_ID_REUSED"


class TimeZoneUnknown(InvalidRequest):
    """Name the time zone as the IANA does."""

    reason = "TIME_ZONE_UNKNOWN"


def a_schedule(**fields):
    return pb.Schedule(
        **{
            "schedule_id": "s-1",
            "location_id": "loc-1",
            "enabled": True,
            "frequency": pb.FREQUENCY_12H,
            "preferred_time": "06:30",
            "timezone": "America/New_York",
            "scan_scope": pb.SCAN_SCOPE_ALL,
            "next_scan_at": timestamp(AT),
            "next_runs": [timestamp(AT + timedelta(hours=12 * n)) for n in range(5)],
            "etag": "v7",
        }
        | fields
    )


@pytest.fixture
def scheduler(street):
    found = pb.GetScheduleResponse(schedule=a_schedule())
    street.scheduler.answers("GetSchedule", found)
    street.scheduler.answers("UpsertSchedule", pb.UpsertScheduleResponse(schedule=a_schedule()))
    street.scheduler.answers("DeleteSchedule", pb.DeleteScheduleResponse())
    return street.scheduler


async def test_the_schedule_says_when_it_fires_next(scheduler, reader, location_id):
    answer = await reader.get("/api/schedules")

    assert answer.status == 200
    assert answer.headers["ETag"] == '"v7"'
    body = answer.body
    assert (body["frequency"], body["scan_scope"]) == ("12h", "all")
    assert (body["preferred_time"], body["timezone"]) == ("06:30", "America/New_York")
    assert body["next_scan_at"] == "2026-03-02T12:30:00Z"
    assert len(body["next_runs"]) == 5
    assert (body["weekday"], body["cron_expression"], body["last_scan_at"]) == (None, None, None)
    assert scheduler.last("GetSchedule").location_id == location_id


async def test_without_a_schedule_it_says_how_to_make_one(street, reader):
    street.scheduler.answers("GetSchedule", ScheduleNotFound())

    answer = await reader.get("/api/schedules")

    assert (answer.status, answer.body["reason"]) == (404, "SCHEDULE_NOT_FOUND")
    assert "POST /api/schedules" in answer.body["hint"]


@pytest.mark.parametrize(
    "body",
    [
        {
            "frequency": "weekly",
            "preferredTime": "06:30",
            "scanScope": "selected",
            "selectedWorkflowIds": ["wf-1", "wf-2"],
            "weekday": 0,
        },
        {
            "frequency": "weekly",
            "preferred_time": "06:30",
            "scan_scope": "selected",
            "selected_workflow_ids": ["wf-1", "wf-2"],
            "weekday": 0,
        },
    ],
    ids=["camelCase", "snake_case"],
)
async def test_only_the_given_fields_are_changed(scheduler, client, body, location_id):
    answer = await client.post("/api/schedules", body)

    assert answer.status == 200
    assert answer.body["next_scan_at"] == "2026-03-02T12:30:00Z"
    asked = scheduler.last("UpsertSchedule")
    assert list(asked.update_mask.paths) == [
        "frequency",
        "preferred_time",
        "scan_scope",
        "selected_workflow_ids",
        "weekday",
    ]
    assert asked.schedule.location_id == location_id
    assert asked.schedule.frequency == pb.FREQUENCY_WEEKLY
    assert asked.schedule.scan_scope == pb.SCAN_SCOPE_SELECTED
    assert list(asked.schedule.selected_workflow_ids) == ["wf-1", "wf-2"]
    assert asked.schedule.HasField("weekday")
    assert not asked.schedule.HasField("enabled")


async def test_null_sets_the_default_and_false_is_no_null(scheduler, client):
    await client.post("/api/schedules", {"timezone": None, "weekday": None, "enabled": False})

    asked = scheduler.last("UpsertSchedule")
    assert list(asked.update_mask.paths) == ["enabled", "timezone", "weekday"]
    assert asked.schedule.enabled is False
    assert asked.schedule.HasField("enabled")
    assert asked.schedule.timezone == ""
    assert not asked.schedule.HasField("weekday")


async def test_an_empty_change_is_refused_before_anybody_is_asked(scheduler, client):
    answer = await client.post("/api/schedules", {})

    assert (answer.status, answer.body["reason"]) == (400, "NOTHING_TO_CHANGE")
    assert not scheduler.asked


async def test_a_problem_of_the_service_is_told_in_its_own_words(street, client):
    street.scheduler.answers("UpsertSchedule", TimeZoneUnknown.at("schedule.timezone"))

    answer = await client.post("/api/schedules", {"frequency": "daily", "timezone": "Mars/Base"})

    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert (answer.status, answer.body["reason"]) == (400, "TIME_ZONE_UNKNOWN")
    assert answer.body["errors"] == [
        {"field": "timezone", "message": "Name the time zone as the IANA does."}
    ]


async def test_a_change_names_the_version_it_is_for(scheduler, client):
    await client.with_headers(If_Match='"v7"').post("/api/schedules", {"enabled": False})

    assert scheduler.last("UpsertSchedule").etag == "v7"


async def test_a_change_of_a_version_that_is_gone_is_412(street, client):
    street.scheduler.answers("UpsertSchedule", Overtaken())

    answer = await client.with_headers(If_Match='"v1"').post("/api/schedules", {"enabled": True})

    assert (answer.status, answer.body["reason"]) == (412, "PRECONDITION_FAILED")


async def test_a_lost_race_without_a_version_is_409(street, client):
    street.scheduler.answers("UpsertSchedule", Overtaken())

    answer = await client.post("/api/schedules", {"enabled": True})

    assert (answer.status, answer.body["reason"]) == (409, "CHANGED_MEANWHILE")


@pytest.mark.parametrize("if_match", ["v7", 'W/"v7"', '"v7", "v8"', '""', "*"])
async def test_a_version_that_is_no_single_etag_is_refused(scheduler, client, if_match):
    answer = await client.with_headers(If_Match=if_match).post("/api/schedules", {"enabled": True})

    assert (answer.status, answer.body["reason"]) == (400, "IF_MATCH_MALFORMED")
    assert not scheduler.asked


async def test_the_schedule_can_be_deleted(scheduler, client, location_id):
    answer = await client.delete("/api/schedules")

    assert (answer.status, answer.text) == (204, "")
    assert scheduler.last("DeleteSchedule").location_id == location_id


async def test_only_the_named_version_is_deleted(scheduler, client):
    stale = await client.with_headers(If_Match='"v1"').delete("/api/schedules")
    assert (stale.status, "DeleteSchedule" in scheduler.asked) == (412, False)

    fresh = await client.with_headers(If_Match='"v7"').delete("/api/schedules")
    assert (fresh.status, "DeleteSchedule" in scheduler.asked) == (204, True)


async def test_spread_blackouts_catch_up_and_overlap_are_passed_on(scheduler, client):
    night = {"start": "22:00", "end": "06:00", "weekdays": [0]}
    body = {
        "frequency": "daily",
        "spreadSeconds": 600,
        "blackoutWindows": [night],
        "catchupSeconds": 0,
        "overlapPolicy": "buffer_one",
    }
    kept = pb.BlackoutWindow(start="22:00", end="06:00", weekdays=[0])
    found = a_schedule(blackout_windows=[kept], overlap_policy=pb.OVERLAP_POLICY_BUFFER_ONE)
    scheduler.answers("UpsertSchedule", pb.UpsertScheduleResponse(schedule=found))

    answer = await client.post("/api/schedules", body)

    asked = scheduler.last("UpsertSchedule").schedule
    assert (asked.spread_seconds, asked.overlap_policy) == (600, pb.OVERLAP_POLICY_BUFFER_ONE)
    assert (list(asked.blackout_windows), asked.HasField("catchup_seconds")) == ([kept], True)
    assert answer.body["blackout_windows"] == [night]
    assert (answer.body["overlap_policy"], answer.body["catchup_seconds"]) == ("buffer_one", None)


@pytest.mark.parametrize("word", ["pause", "resume"])
async def test_a_schedule_is_paused_and_resumed_by_whoever_has_the_key(
    street, client, location_id, word
):
    method, answers = {
        "pause": ("PauseSchedule", pb.PauseScheduleResponse),
        "resume": ("ResumeSchedule", pb.ResumeScheduleResponse),
    }[word]
    saved = a_schedule(switched_by="night shift", switch_reason="moving", switched_at=timestamp(AT))
    street.scheduler.answers(method, answers(schedule=saved))

    answer = await client.post(f"/api/schedules/{word}", {"reason": "moving"})

    assert (answer.status, answer.headers["ETag"]) == (200, '"v7"')
    assert (answer.body["switched_by"], answer.body["switch_reason"]) == ("night shift", "moving")
    asked = street.scheduler.last(method)
    assert (asked.location_id, asked.reason) == (location_id, "moving")
    assert asked.actor


async def test_pausing_needs_no_reason_but_a_schedule(street, client):
    street.scheduler.answers("PauseSchedule", ScheduleNotFound())

    answer = await client.post("/api/schedules/pause")

    assert (answer.status, answer.body["reason"]) == (404, "SCHEDULE_NOT_FOUND")


async def test_a_preview_stores_nothing(street, reader):
    street.scheduler.answers(
        "PreviewSchedule",
        pb.PreviewScheduleResponse(
            runs=[
                pb.PlannedRun(
                    fires_at=timestamp(AT),
                    local_time="2026-03-08T03:00:00-04:00",
                    clock_change="02:30 does not exist on 2026-03-08: runs at 03:00",
                )
            ]
        ),
    )

    answer = await reader.post(
        "/api/schedules/preview", {"frequency": "cron", "cronExpression": "30 2 * * *", "count": 1}
    )

    assert answer.status == 200
    assert answer.body["runs"] == [
        {
            "fires_at": "2026-03-02T12:30:00Z",
            "local_time": "2026-03-08T03:00:00-04:00",
            "clock_change": "02:30 does not exist on 2026-03-08: runs at 03:00",
            "blackout": None,
        }
    ]
    asked = street.scheduler.last("PreviewSchedule")
    assert (asked.schedule.cron_expression, asked.count) == ("30 2 * * *", 1)


def a_scan(status=pb.SCAN_STATUS_QUEUED, **fields):
    return pb.Scan(
        scan_id="scan-1",
        location_id="loc-1",
        status=status,
        trigger=pb.SCAN_TRIGGER_MANUAL,
        **{"scan_scope": pb.SCAN_SCOPE_ACTIVE} | fields,
    )


async def test_run_now_answers_with_the_scan_without_a_body(street, client, location_id):
    street.scheduler.answers("RunScan", pb.RunScanResponse(scan_id="scan-1", scan=a_scan()))

    answer = await client.post("/api/schedules/run-now")

    assert answer.status == 202
    assert (answer.body["scan_id"], answer.body["status"]) == ("scan-1", "queued")
    assert answer.body["already_running"] is False
    asked = street.scheduler.last("RunScan")
    assert (asked.location_id, asked.request_id) == (location_id, "")
    assert asked.scan_scope == pb.SCAN_SCOPE_UNSPECIFIED


async def test_run_now_takes_a_selection(street, client):
    street.scheduler.answers("RunScan", pb.RunScanResponse(scan_id="scan-1", scan=a_scan()))
    body = {"scanScope": "selected", "selectedWorkflowIds": ["wf-1"]}

    await client.post("/api/schedules/run-now", body)

    asked = street.scheduler.last("RunScan")
    assert asked.scan_scope == pb.SCAN_SCOPE_SELECTED
    assert list(asked.selected_workflow_ids) == ["wf-1"]


async def test_a_repeated_run_now_answers_the_first_scan_and_says_so(street, client):
    keyed = client.with_headers(Idempotency_Key="monday")
    street.scheduler.answers("RunScan", pb.RunScanResponse(scan_id="scan-1", scan=a_scan()))
    first = await keyed.post("/api/schedules/run-now")
    replayed = pb.RunScanResponse(scan_id="scan-1", scan=a_scan(), replayed=True)
    street.scheduler.answers("RunScan", replayed)
    again = await keyed.post("/api/schedules/run-now")

    assert street.scheduler.last("RunScan").request_id == "monday"
    assert (first.status, again.status) == (202, 202)
    assert first.body["scan_id"] == again.body["scan_id"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_key_that_was_used_for_another_scan_is_422(street, client):
    street.scheduler.answers("RunScan", RequestIdReused())

    answer = await client.with_headers(Idempotency_Key="monday").post(
        "/api/schedules/run-now", {"scanScope": "active"}
    )

    assert (answer.status, answer.body["reason"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_scan_on_demand_can_count_as_the_next_fire(street, client):
    counted = pb.RunScanResponse(scan_id="scan-1", scan=a_scan(), counts_as=timestamp(AT))
    street.scheduler.answers("RunScan", counted)

    answer = await client.post("/api/schedules/run-now", {"countsAsNextFire": True})

    assert answer.body["counts_as"] == "2026-03-02T12:30:00Z"
    assert street.scheduler.last("RunScan").counts_as_next_fire


async def test_why_it_did_not_run_is_one_question(street, reader, location_id):
    explained = pb.ExplainFireResponse(
        outcome=pb.ExplainFireResponse.OUTCOME_PAUSED,
        explanation="The schedule did not fire: it was paused by ops.",
        scheduled_for=timestamp(AT),
        change=pb.ScheduleChange(kind=pb.ScheduleChange.KIND_PAUSED, actor="ops"),
    )
    street.scheduler.answers("ExplainFire", explained)

    answer = await reader.get("/api/schedules/explain", at="2026-03-02T13:00:00Z")

    assert (answer.status, answer.body["outcome"]) == (200, "paused")
    assert (answer.body["change"]["kind"], answer.body["scan"]) == ("paused", None)
    asked = street.scheduler.last("ExplainFire")
    assert (asked.location_id, asked.at) == (location_id, timestamp(AT + timedelta(minutes=30)))


async def test_a_key_that_is_too_long_is_refused(street, client):
    keyed = client.with_headers(Idempotency_Key="k" * 201)

    answer = await keyed.post("/api/schedules/run-now")

    assert (answer.status, answer.body["reason"]) == (400, "IDEMPOTENCY_KEY_TOO_LONG")
    assert not street.scheduler.asked


async def test_past_scans(street, reader):
    street.scheduler.answers(
        "ListScans", pb.ListScansResponse(scans=[a_scan(pb.SCAN_STATUS_MISSED, reason="too late")])
    )

    answer = await reader.get("/api/schedules/history", limit="20")

    (item,) = answer.body["items"]
    assert (item["scan_id"], item["status"], item["reason"]) == ("scan-1", "missed", "too late")
    assert street.scheduler.last("ListScans").page_size == 20


async def test_a_change_is_in_the_audit_log_and_makes_the_location_known(scheduler, agency):
    await agency.post("/api/schedules", {"enabled": False}, location_id="loc-audited")

    audit = (await agency.get("/api/audit")).body["items"]
    locations = (await agency.get("/api/locations", limit="500")).body["items"]

    entry = next(each for each in audit if each["location_id"] == "loc-audited")
    assert (entry["action"], entry["subject"]) == ("schedule.changed", "s-1")
    assert "loc-audited" in [each["location_id"] for each in locations]
