"""What scans find, over REST and through the whole program: found, ignored, fixed, compared."""

import json
from random import Random

import grpc
import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.contracts.scheduler.v1 import scheduler_pb2_grpc as rpc
from tests.scheduler.domain.unseen import wrong_paths, wrong_starts, wrong_steps
from tests.scheduler.domain.unseen.agencies import Agency, agencies
from tests.scheduler.domain.unseen.drawing import DIALECTS, Flow, exported
from tests.scheduler.domain.unseen.spoiling import Case
from tests.support.waiting import eventually


async def answered(response):
    body = await response.json()
    assert response.status < 300, body
    return body


@pytest.fixture
def got(http, here):
    async def get(path, **query):
        return await answered(await http.get(path, params=here | query))

    return get


@pytest.fixture
def posted(http, here):
    async def post(path, body=None):
        return await answered(await http.post(path, params=here, json=body))

    return post


@pytest.fixture
def uploaded(street, here):
    async def upload(*flows: Flow):
        random = Random(4)
        async with grpc.aio.insecure_channel(str(street.runtime["scheduler"])) as channel:
            stub = rpc.SchedulerServiceStub(channel)
            for flow in flows:
                content = json.dumps(exported(flow, random.choice(DIALECTS), random)).encode()
                request = pb.UploadWorkflowDefinitionRequest(
                    **here, workflow_id=flow.id, content=content
                )
                await stub.UploadWorkflowDefinition(request, timeout=10)

    return upload


@pytest.fixture
def scanned(got, posted):
    async def scan() -> dict:
        asked = await posted("/api/schedules/run-now", {"scanScope": "all"})

        async def completed():
            scan = await got(f"/api/scans/{asked['scan_id']}")
            return scan if scan["status"] == "completed" else None

        return await eventually(completed)

    return scan


def spoilt(agency: Agency) -> dict[str, Flow]:
    """Three workflows with a fault each, by the rule that finds it."""
    ways = {
        "GHL202": wrong_starts.triggers_off,
        "GHL222": wrong_paths.has_no_duration,
        "GHL229": wrong_steps.secret,
    }
    flows = dict(zip(ways, (agency.flows[n] for n in (0, 4, 6)), strict=True))
    for rule_id, flow in flows.items():
        flows[rule_id] = flow.copy()
        flows[rule_id].status = "published"
        ways[rule_id](Case(agency, flows[rule_id], Random(rule_id)))
    return flows


async def test_findings_are_found_ignored_fixed_and_compared(got, posted, uploaded, scanned):
    (agency,) = agencies(1, seed="program")
    sick = spoilt(agency)
    faulty = {flow.id: flow for flow in sick.values()}
    await uploaded(*(faulty.get(flow.id, flow) for flow in agency.flows))

    first = await scanned()

    found = (await got("/api/findings"))["items"]
    loud = {each["rule_id"]: each for each in found if each["severity"] != "info"}
    assert {rule_id: each["workflow_id"] for rule_id, each in loud.items()} == {
        rule_id: flow.id for rule_id, flow in sick.items()
    }
    assert {each["state"] for each in found} == {"new"}
    assert first["summary"]["new_count"] == len(found)
    assert sum(each["workflows"] for each in first["summary"]["grades"]) == len(agency.flows)
    assert loud["GHL222"]["place_name"] == "Wait"
    assert loud["GHL222"]["points_if_fixed"] > 0

    ignored = await posted(
        f"/api/findings/{loud['GHL202']['finding_id']}/ignore",
        {"reason": "Paused until spring.", "untilVersionChanges": True},
    )
    healthy = next(flow for flow in agency.flows if flow.id == sick["GHL222"].id)
    await uploaded(healthy)
    second = await scanned()

    assert ignored["ignored"]["workflow_version"]
    assert second["summary"]["ignored_count"] == 1
    assert second["summary"]["fixed_count"] == 1
    difference = await got("/api/scans/compare")
    assert difference["baseline"]["scan_id"] == first["scan_id"]
    assert [each["rule_id"] for each in difference["fixed"]] == ["GHL222"]
    assert [each["rule_id"] for each in difference["ignored"]] == ["GHL202"]
    assert "GHL229" in {each["rule_id"] for each in difference["still_open"]}
    assert difference["new"] == difference["regressed"] == difference["not_checked"] == []
    gains = {
        each["workflow_id"]: each["after"] - each["before"] for each in difference["score_changes"]
    }
    assert gains == {
        loud[rule_id]["workflow_id"]: loud[rule_id]["points_if_fixed"]
        for rule_id in ("GHL202", "GHL222")
    }
    story = await got(f"/api/findings/{loud['GHL222']['finding_id']}")
    assert [each["state"] for each in story["sightings"]] == ["fixed", "new"]


async def test_the_rules_and_the_arithmetic_of_every_score_can_be_read(
    http, got, uploaded, scanned
):
    (agency,) = agencies(1, seed="arithmetic")
    await uploaded(*spoilt(agency).values())
    await scanned()

    catalogue = await answered(await http.get("/api/rules"))
    rules = {each["rule_id"] for each in catalogue["rules"]}
    results = (await got("/api/scans/latest/results"))["items"]

    assert len(results) == 3
    for each in results:
        taken = sum(line["points"] for line in each["deductions"])
        assert round(100 - taken, 6) == each["workflow"]["score"] <= each["ceiling"] == 95
        judged = [*each["assessed_rule_ids"], *(gap["rule_id"] for gap in each["not_assessed"])]
        assert set(judged) == rules
