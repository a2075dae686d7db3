"""Events, settings and calls, with everything a test does not care about filled in."""

import uuid
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import grpc
import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.contracts.notifier.v1 import notifier_pb2_grpc as rpc
from libs.rpc import status
from libs.rpc.times import timestamp
from services.notifier.settings import NotifierSettings
from services.notifier.wiring import running

LOCATION = "loc-1"
EMAIL = "owner@agency.example"
KEY = "a key of the tests, and of nothing else"
NOW = datetime.now(UTC).replace(microsecond=0)
SECONDS = 20
NOBODY = "http://127.0.0.1:1/runwarden/4711-secret"
"""An allowed address of a webhook, where nothing listens."""


def an_event(*, event_id=None, location_id=LOCATION, at=NOW, **detail):
    return pb.Event(
        event_id=event_id or str(uuid.uuid4()),
        location_id=location_id,
        occurred_at=timestamp(at),
        **detail,
    )


def a_failing_event(workflow_id="wf-1", *, new_failures=1, failure_count=3, **event):
    detail = pb.WorkflowFailing(
        workflow_id=workflow_id,
        workflow_name=event.pop("workflow_name", "Lead follow-up"),
        new_failures=new_failures,
        failure_count=failure_count,
        failure_threshold=3,
        time_window_hours=24,
        first_failure_at=timestamp(NOW - timedelta(hours=2)),
        last_failure_at=timestamp(NOW),
        failed_action_name="Send SMS",
        error_message=event.pop("error_message", "21211: Invalid 'To' Phone Number"),
        error_class="CONTACT_DATA",
        execution_ids=["ex-1", "ex-2", "ex-3"],
    )
    return an_event(workflow_failing=detail, **event)


def a_recovery(workflow_id="wf-1", **event):
    detail = pb.WorkflowRecovered(
        workflow_id=workflow_id, workflow_name="Lead follow-up", recovered_at=timestamp(NOW)
    )
    return an_event(workflow_recovered=detail, **event)


def a_critical_finding(fingerprint="fp-1", workflow_id="wf-1", **event):
    detail = pb.CriticalFinding(
        scan_id="scan-1",
        workflow_id=workflow_id,
        workflow_name="Lead follow-up",
        rule_id="GHL402",
        title="Webhook without a timeout",
        evidence="Step 3 waits for ever.",
        remedy="Set a timeout.",
        fingerprint=fingerprint,
    )
    return an_event(critical_finding=detail, **event)


def a_low_score(workflow_id="wf-1", score=41, **event):
    detail = pb.ScoreLow(
        scan_id="scan-1",
        workflow_id=workflow_id,
        workflow_name="Lead follow-up",
        score=score,
        deductions=["-30 no error branch", "-29 no timeout"],
    )
    return an_event(score_low=detail, **event)


def a_good_score(workflow_id="wf-1", score=72, **event):
    detail = pb.ScoreRecovered(
        scan_id="scan-2", workflow_id=workflow_id, workflow_name="Lead follow-up", score=score
    )
    return an_event(score_recovered=detail, **event)


def a_completed_scan(scan_id="scan-1", **event):
    detail = pb.ScanCompleted(
        scan_id=scan_id,
        trigger="schedule",
        workflows_scanned=12,
        issues_found=7,
        critical_issues=1,
        new_issues=2,
        fixed_issues=1,
        known_issues=5,
        score=81,
        started_at=timestamp(NOW - timedelta(minutes=1)),
        completed_at=timestamp(NOW),
        summary="12 workflows, 7 issues.",
        worst_workflows=["Lead follow-up: 41"],
    )
    return an_event(scan_completed=detail, **event)


def a_failed_scan(scan_id="scan-1", **event):
    detail = pb.ScanFailed(scan_id=scan_id, error="HighLevel answered 401", attempts=3)
    return an_event(scan_failed=detail, **event)


def a_fixed_finding(fingerprint="fp-1", workflow_id="wf-1", *, ignored_because="", **event):
    detail = pb.FindingFixed(
        scan_id="scan-2",
        workflow_id=workflow_id,
        workflow_name="Lead follow-up",
        rule_id="GHL402",
        title="Webhook without a timeout",
        fingerprint=fingerprint,
        ignored_because=ignored_because,
    )
    return an_event(finding_fixed=detail, **event)


def a_stuck_workflow(workflow_id="wf-1", **event):
    detail = pb.NeverFinished(
        workflow_id=workflow_id,
        workflow_name="Lead follow-up",
        new_runs=2,
        oldest_started_at=timestamp(NOW - timedelta(hours=30)),
        run_ids=["run-1", "run-2"],
    )
    return an_event(never_finished=detail, **event)


def a_finished_run(workflow_id="wf-1", **event):
    detail = pb.FinishedAgain(workflow_id=workflow_id, workflow_name="Lead follow-up")
    return an_event(finished_again=detail, **event)


def an_expired_connection(**event):
    detail = pb.ConnectionExpired(error="HighLevel answered 401")
    return an_event(connection_expired=detail, **event)


def a_restored_connection(**event):
    return an_event(connection_restored=pb.ConnectionRestored(), **event)


def a_removed_connection(removed_by="Owner", **event):
    return an_event(connection_removed=pb.ConnectionRemoved(removed_by=removed_by), **event)


def an_overdue_schedule(**event):
    detail = pb.ScheduleOverdue(
        due_at=timestamp(NOW - timedelta(hours=3)),
        last_scan_at=timestamp(NOW - timedelta(hours=27)),
    )
    return an_event(schedule_overdue=detail, **event)


async def report(notifier, *events):
    """Reports events; gives their outcomes."""
    response = await notifier.ReportEvents(pb.ReportEventsRequest(events=events), timeout=SECONDS)
    return [result.outcome for result in response.results]


async def configure(
    notifier,
    location_id=LOCATION,
    workflow_id="",
    *,
    mask=None,
    etag="",
    installation=False,
    **settings,
):
    """Changes the given settings; those given as None are cleared."""
    given = {name: value for name, value in settings.items() if value is not None}
    place = {} if installation else {"location_id": location_id, "workflow_id": workflow_id}
    request = pb.UpdateAlertSettingsRequest(
        settings=pb.AlertSettings(**place, **given), etag=etag, installation=installation
    )
    request.update_mask.paths.extend(list(settings) if mask is None else mask)
    return await notifier.UpdateAlertSettings(request, timeout=SECONDS)


async def settings_of(notifier, location_id=LOCATION, **request):
    request = pb.GetAlertSettingsRequest(location_id=location_id, **request)
    return (await notifier.GetAlertSettings(request, timeout=SECONDS)).settings


async def deliveries_of(notifier, location_id=LOCATION, *, news=False, **request):
    """Gives deliveries, newest first; those that tell of targets themselves only if asked."""
    request = pb.ListDeliveriesRequest(location_id=location_id, **request)
    found = (await notifier.ListDeliveries(request, timeout=SECONDS)).deliveries
    return [each for each in found if news or each.occasion != "target"]


async def incidents_of(notifier, location_id=LOCATION, **request):
    request = pb.ListIncidentsRequest(location_id=location_id, **request)
    return (await notifier.ListIncidents(request, timeout=SECONDS)).incidents


async def the_incident(notifier, location_id=LOCATION, **request):
    (incident,) = await incidents_of(notifier, location_id, **request)
    return incident


async def story_of(notifier, incident_id, location_id=LOCATION):
    request = pb.GetIncidentRequest(location_id=location_id, incident_id=incident_id)
    return await notifier.GetIncident(request, timeout=SECONDS)


async def act(notifier, verb, incident_id, *, location_id=LOCATION, actor="Owner", **more):
    """Does something to an incident; gives it as it is then."""
    request = getattr(pb, f"{verb}IncidentRequest")(
        location_id=location_id, incident_id=incident_id, actor=actor, **more
    )
    return (await getattr(notifier, f"{verb}Incident")(request, timeout=SECONDS)).incident


async def deeds_of(notifier, incident_id):
    """Gives what was done to an incident, oldest first."""
    story = await story_of(notifier, incident_id)
    actions = [each.action for each in story.timeline if each.WhichOneof("entry") == "action"]
    return [(each.action, each.actor, each.note) for each in reversed(actions)]


async def caught(notifier, location_id=""):
    request = pb.ListCaughtMailRequest(location_id=location_id)
    return (await notifier.ListCaughtMail(request, timeout=SECONDS)).mails


@contextmanager
def refused_as(reason):
    """Expects a call to be refused for a reason; gives the problem afterwards as `.problem`."""
    refusal = SimpleNamespace(problem=None)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        yield refusal
    refusal.problem = status.from_error(refused.value)
    assert refusal.problem.reason == reason


def smtp(server):
    """Gives the settings that send mails to a server."""
    return {
        "smtp_host": server.host,
        "smtp_port": server.port,
        "smtp_user": server.user,
        "smtp_pass": server.password,
        "smtp_tls_ca": server.ca_file,
    }


def webhooks_to(*receivers):
    """Gives the settings that allow webhooks to receivers on loopback."""
    return {"egress_allow": [f"127.0.0.1:{each.port}" for each in receivers]}


@asynccontextmanager
async def a_notifier(url, *, clock=None, **changes):
    settings = NotifierSettings(
        _env_file=None,
        port=0,
        database_url=url,
        encryption_keys=changes.pop("encryption_keys", [KEY]),
        frontend_url="https://watch.example",
        smtp_from="Runwarden <alerts@agency.example>",
        group_wait=changes.pop("group_wait", timedelta(0)),
        hold_down=changes.pop("hold_down", timedelta(0)),
        egress_allow=[urlsplit(NOBODY).netloc, *changes.pop("egress_allow", ())],
        **changes,
    )
    told = {"clock": clock} if clock else {}
    async with running(settings, **told) as address, grpc.aio.insecure_channel(address) as channel:
        yield rpc.NotifierServiceStub(channel)
