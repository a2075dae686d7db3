"""What holds for every request, whatever it asks for."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from gateway.access import Scope
from gateway.access.limits import REQUESTS_A_MINUTE
from gateway.access.sessions import COOKIE, csrf_token
from gateway.rest.problems import MEDIA_TYPE
from libs.clock import FixedClock
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.notifier.v1 import notifier_pb2
from libs.problems import Broken, InvalidRequest
from tests.gateway.rest.fakes import street as running_street
from tests.gateway.rest.serving import Client, served

SETTINGS = "/api/alerts/settings"


@pytest.fixture
def workflows(street):
    street.ingestion.answers("ListWorkflows", pb.ListWorkflowsResponse())
    return street.ingestion


@pytest.fixture
def settings(street):
    street.notifier.answers(
        "UpdateAlertSettings",
        notifier_pb2.UpdateAlertSettingsResponse(
            settings=notifier_pb2.AlertSettings(
                location_id="l", enabled=True, failure_threshold=3, time_window_hours=24,
                alert_on_critical=True,
            )
        ),
    )  # fmt: skip
    return street.notifier


# Its id


async def test_the_callers_request_id_goes_all_the_way_and_back(workflows, reader):
    answer = await reader.with_headers(X_Request_Id="abc-123").get("/api/workflows")

    assert answer.headers["X-Request-Id"] == "abc-123"


async def test_without_one_it_gets_one_that_problems_carry(gateway):
    answer = await gateway.stranger.get("/api/workflows")

    assert answer.headers["X-Request-Id"] == answer.body["request_id"] != ""


@pytest.mark.parametrize(
    ("given", "taken"),
    [("a b\tc", "abc"), ("x" * 300, "x" * 128), ('"quoted"', '"quoted"'), ("é", None)],
)
async def test_a_request_id_cannot_break_a_log_line(gateway, given, taken):
    answer = await gateway.stranger.with_headers(X_Request_Id=given).get("/health")

    told = answer.headers["X-Request-Id"]
    assert told == (taken or told)
    assert 1 <= len(told) <= 128
    assert told.isascii()


async def test_one_line_is_logged_without_query_and_key(workflows, reader, capsys, location_id):
    await reader.with_headers(X_Request_Id="logged-1").get("/api/workflows", limit="7")

    lines = capsys.readouterr().out.splitlines()
    line = next(each for each in lines if "http.answered" in each and "logged-1" in each)
    assert "route=/api/workflows" in line
    assert "status=200" in line
    assert "limit" not in line
    assert "rw_read" not in "".join(lines)


async def test_a_template_is_logged_in_place_of_the_path(street, reader, capsys):
    street.ingestion.answers("ListExecutions", pb.ListExecutionsResponse())

    await reader.get("/api/workflows/wf-secret/executions")

    line = next(each for each in capsys.readouterr().out.splitlines() if "http.answered" in each)
    assert "route=/api/workflows/{workflow_id}/executions" in line
    assert "wf-secret" not in line


# Its key


@pytest.mark.parametrize(
    "headers",
    [
        lambda key: {"Authorization": f"Bearer {key}"},
        lambda key: {"Authorization": f"bearer {key}"},
        lambda key: {"X-Api-Key": key},
    ],
)
async def test_a_key_may_come_in_either_header(workflows, gateway, location_id, headers):
    secret, _ = await gateway.access.create_key(name="x", scope=Scope.READ, location_id=location_id)

    answer = await Client(gateway.session, headers(secret)).get("/api/workflows")

    assert answer.status == 200


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (None, "KEY_MISSING"),
        ("", "KEY_MISSING"),
        ("Bearer", "KEY_MISSING"),
        ("Bearer nonsense", "KEY_MALFORMED"),
        ("Bearer rw_admin_00000000000000000000000000000000_000000", "KEY_MALFORMED"),
    ],
)
async def test_without_a_valid_key_nothing_is_answered(gateway, key, reason):
    client = gateway.stranger if key is None else gateway.stranger.with_headers(Authorization=key)

    answer = await client.get("/api/workflows")

    assert (answer.status, answer.body["reason"]) == (401, reason)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_the_key_is_asked_for_before_the_body_is_read(gateway):
    answer = await gateway.stranger.call(
        "POST", SETTINGS, data=b"{broken", headers={"Content-Type": "application/json"}
    )

    assert (answer.status, answer.body["reason"]) == (401, "KEY_MISSING")


async def test_an_ingest_key_reads_nothing(gateway, location_id):
    sender = await gateway.client(Scope.INGEST, location_id)

    for path in ("/api/workflows", "/api/schedules", "/health/detailed", "/openapi.json"):
        answer = await sender.get(path)
        assert (answer.status, answer.body["reason"]) == (403, "KEY_SCOPE_TOO_NARROW")


async def test_a_session_reads_and_changes_only_with_its_token(
    workflows, settings, gateway, location_id
):
    secret, _ = await gateway.access.create_key(
        name="x", scope=Scope.WRITE, location_id=location_id
    )
    cookie = await gateway.access.sign_in(secret)
    browser = gateway.stranger.with_headers(Cookie=f"{COOKIE}={cookie}")
    ours = browser.with_headers(X_Csrf_Token=csrf_token(cookie))

    assert (await browser.get("/api/workflows")).status == 200
    forged = await browser.post(SETTINGS, {"enabled": False})
    assert (forged.status, forged.body["reason"]) == (403, "CSRF_TOKEN_WRONG")
    assert not settings.asked
    assert (await ours.post(SETTINGS, {"enabled": False})).status == 200
    await gateway.access.sign_out(cookie)
    assert (await browser.get("/api/workflows")).body["reason"] == "SESSION_ENDED"


async def test_a_key_may_ask_so_often_and_no_more(new_database):
    clock = FixedClock(datetime(2026, 3, 1, tzinfo=UTC))
    async with (
        running_street() as street,
        served(street, new_database("gateway"), clock=clock) as gateway,
    ):
        secret, _ = await gateway.access.create_key(name="busy", scope=Scope.READ)
        reader, other = gateway.client_with(secret), await gateway.client(Scope.READ)
        busy = await gateway.access.caller(secret)
        for _ in range(REQUESTS_A_MINUTE - 1):
            gateway.access.count_request(busy)
        assert (await reader.get("/api/locations")).status == 200
        refused = await reader.get("/api/locations")

        assert (refused.status, refused.body["reason"]) == (429, "RATE_LIMITED")
        assert int(refused.headers["Retry-After"]) >= 1
        assert (await other.get("/api/locations")).status == 200
        clock.move(timedelta(seconds=int(refused.headers["Retry-After"])))
        assert (await reader.get("/api/locations")).status == 200


# Its location


async def test_a_key_of_the_agency_must_name_the_location(workflows, agency):
    missing = await agency.get("/api/workflows")
    named = await agency.get("/api/workflows", location_id="loc-7")

    assert (missing.status, missing.body["reason"]) == (400, "LOCATION_MISSING")
    assert "location_id" in missing.body["detail"]
    assert "/api/locations" in missing.body["hint"]
    assert (named.status, workflows.last("ListWorkflows").location_id) == (200, "loc-7")


async def test_a_key_of_a_location_sees_no_other(workflows, reader, location_id):
    foreign = await reader.get("/api/workflows", location_id="loc-7")
    own = await reader.get("/api/workflows", location_id=location_id)

    assert (foreign.status, foreign.body["reason"]) == (403, "LOCATION_NOT_YOURS")
    assert own.status == 200
    assert [each.location_id for each in workflows.asked["ListWorkflows"]] == [location_id]


# Its parameters


async def test_an_unknown_parameter_is_named_with_the_known_ones(workflows, reader):
    answer = await reader.get("/api/workflows", limt="5")

    assert (answer.status, answer.body["reason"]) == (400, "UNKNOWN_PARAMETER")
    assert [each["field"] for each in answer.body["errors"]] == ["limt"]
    for known in ("limit", "page_size", "page_token", "location_id"):
        assert known in answer.body["detail"]
    assert not workflows.asked


@pytest.mark.parametrize(
    ("query", "size"),
    [({}, 0), ({"limit": "0"}, 0), ({"limit": "20"}, 20), ({"page_size": "7"}, 7)],
)
async def test_how_long_a_page_is(workflows, reader, query, size):
    answer = await reader.get("/api/workflows", **query)

    assert answer.status == 200
    assert workflows.last("ListWorkflows").page_size == size


async def test_a_size_beyond_every_number_is_the_largest_page(workflows, reader):
    answer = await reader.get("/api/workflows", limit=str(10**15))

    assert answer.status == 200
    assert workflows.last("ListWorkflows").page_size >= 500


@pytest.mark.parametrize(
    ("query", "reason", "field"),
    [
        ({"limit": "-1"}, "PAGE_SIZE_NEGATIVE", "limit"),
        ({"page_size": "-5"}, "PAGE_SIZE_NEGATIVE", "page_size"),
        ({"limit": "many"}, "REQUEST_MALFORMED", "limit"),
        ({"limit": "1.5"}, "REQUEST_MALFORMED", "limit"),
        ({"limit": "1", "page_size": "1"}, "PAGE_SIZE_TWICE", "page_size"),
    ],
)
async def test_a_page_that_cannot_be(workflows, reader, query, reason, field):
    answer = await reader.get("/api/workflows", **query)

    assert (answer.status, answer.body["reason"]) == (400, reason)
    assert [each["field"] for each in answer.body["errors"]] == [field]
    assert not workflows.asked


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/api/workflows/wf/failures", {"hours": "soon"}, "hours"),
        ("/api/executions", {"status": "exploded"}, "status"),
        ("/api/executions", {"executed_from": "yesterday"}, "executed_from"),
        ("/api/executions", {"executed_from": "2026-03-01T00:00:00"}, "executed_from"),
        ("/api/executions", {"executed_before": "0001-01-01T00:00:00+10:00"}, "executed_before"),
        ("/api/scans", {"status": "done"}, "status"),
        ("/api/incidents", {"status": "1"}, "status"),
    ],
)
async def test_a_parameter_of_the_wrong_kind_is_named(street, reader, path, query, field):
    answer = await reader.get(path, **query)

    assert (answer.status, answer.body["reason"]) == (400, "REQUEST_MALFORMED")
    assert answer.body["errors"][0]["field"].startswith(field)


@pytest.mark.parametrize("hours", [0, -1, 10**18, -(10**18)])
async def test_a_window_beyond_all_bounds_is_the_services_to_refuse(street, reader, hours):
    class WindowOutOfRange(InvalidRequest):
        """Look back 1 minute to 90 days."""

        reason = "WINDOW_OUT_OF_RANGE"

    def refusing(request):
        assert not 60 <= request.window.ToTimedelta().total_seconds() <= 90 * 86400
        raise WindowOutOfRange.at("window")

    street.ingestion.answers("GetWorkflowMetrics", refusing)

    answer = await reader.get("/api/workflows/wf/metrics", hours=str(hours))

    assert (answer.status, answer.body["reason"]) == (400, "WINDOW_OUT_OF_RANGE")
    assert answer.body["errors"][0]["field"] == "hours"


@pytest.mark.parametrize("path", ["/api/workflows?page_token=%00", "/api/scans/%00"])
async def test_a_character_no_database_keeps_is_refused(street, reader, path):
    answer = await reader.get(path)

    assert (answer.status, answer.body["reason"]) == (400, "TEXT_MALFORMED")


# Its answer


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/api/nothing", 404, "PATH_NOT_FOUND"),
        ("GET", "/api/workflows/", 404, "PATH_NOT_FOUND"),
        ("DELETE", "/api/alerts/settings", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/static/../../settings.py", 404, "PATH_NOT_FOUND"),
    ],
)
async def test_what_is_not_there_is_a_problem_too(reader, method, path, status, reason):
    answer = await reader.call(method, path)

    assert (answer.status, answer.body["reason"]) == (status, reason)
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert ("Allow" in answer.headers) == (status == 405)


async def test_every_answer_forbids_what_a_browser_should_not_do(gateway):
    for path in ("/health", "/api/workflows", "/", "/static/pages.css"):
        headers = (await gateway.stranger.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == ("no-cache" if "static" in path else "no-store")


@pytest.mark.parametrize("what", ["a bug in a service", "a bug in the gateway"])
async def test_of_a_bug_only_the_request_id_is_told(street, reader, what, capsys):
    street.ingestion.answers(
        "ListExecutions",
        Broken("psycopg: connection string secret")
        if what == "a bug in a service"
        # Without the time that every execution has, it cannot be shown.
        else pb.ListExecutionsResponse(executions=[pb.Execution(error_message="secret")]),
    )

    answer = await reader.with_headers(X_Request_Id="bug-1").get("/api/executions")
    logged = capsys.readouterr().out

    assert (answer.status, answer.body["reason"]) == (500, "INTERNAL")
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert answer.headers["X-Request-Id"] == answer.body["request_id"] == "bug-1"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "pydantic" not in answer.text
    assert "secret" not in logged


async def test_a_service_that_is_away_is_503_and_one_that_is_slow_504(new_database):
    async with (
        running_street() as street,
        served(street, new_database("gateway"), seconds=0.3) as gateway,
    ):
        reader = await gateway.client(Scope.READ, "loc-1")
        street.scheduler.answers("ListScans", lambda _: asyncio.Event().wait())
        await street.stop("ingestion")

        away = await reader.get("/api/workflows")
        slow = await reader.get("/api/scans")

    assert (away.status, away.body["reason"]) == (503, "SERVICE_UNAVAILABLE")
    assert "ingestion" in away.body["detail"]
    assert int(away.headers["Retry-After"]) >= 1
    assert (slow.status, slow.body["reason"]) == (504, "SERVICE_SLOW")
    assert "127.0.0.1" not in away.text + slow.text


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_the_callers_trace_goes_all_the_way_and_into_the_logs(workflows, reader):
    with capture_logs() as lines:
        await reader.call("GET", "/api/workflows", headers={"traceparent": TRACE})
    answered = [each for each in lines if each["event"] in ("http.answered", "rpc.answered")]
    assert len(answered) == 2
    assert {each["trace_id"] for each in answered} == {"0af7651916cd43dd8448eb211c80319c"}


@pytest.mark.parametrize("given", ["", "x", TRACE + "0", TRACE.upper()])
async def test_what_is_no_trace_is_not_passed_on(workflows, reader, given):
    with capture_logs() as lines:
        await reader.call("GET", "/api/workflows", headers={"traceparent": given})
    assert lines
    assert not [each for each in lines if "trace_id" in each]
