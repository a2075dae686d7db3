"""The demo in the real program: there is something to see everywhere, once, and it goes away."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections import Counter

import pytest

from demo.agency import LOCATIONS
from demo.loading import load
from demo.program import running
from demo.removing import remove
from tests.support.everything import traces
from tests.support.programs import ROOT, standalone
from tests.support.waiting import eventually

DAYS = 14
"""Two weeks are enough for a trend."""
LISTS = ("/api/scans", "/api/quarantine", "/api/workflows", "/api/findings")
WEEK = {"hours": "168"}


async def everywhere(program, path, **query):
    """The items of a list, of all three locations."""
    return [
        item
        for location in LOCATIONS
        for item in await program.items(path, location_id=location.location_id, **query)
    ]


async def counted(program, path):
    return len(await everywhere(program, path))


async def measured(program, location, slug):
    workflow = next(each for each in location.workflows if each.slug == slug)
    path = f"/api/workflows/{workflow.workflow_id}/metrics"
    return await program.get(path, location_id=location.location_id, **WEEK)


async def demo(command, data, *more):
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "demo", command, "--data", str(data), *more,
        cwd=ROOT, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    out, error = await asyncio.wait_for(started.communicate(), 50)
    return started.returncode, out.decode(), error.decode()


async def there_is_a_workflow_for_each_trend(program):
    dental, roofing, fitness = LOCATIONS
    worse = await measured(program, dental, "dental/confirmation")
    better = await measured(program, fitness, "fitness/after-trial")
    same = await measured(program, roofing, "roofing/inspection")

    assert worse["failure_trend"] == "increasing"
    assert better["failure_trend"] == "decreasing"
    assert (same["failure_trend"], same["failure_rate"]) == ("stable", 0)
    assert 0 < worse["p50_execution_time"] < worse["p95_execution_time"]
    assert worse["last_failure"]


async def errors_are_of_many_kinds_and_one_hits_all_locations(program):
    groups = await asyncio.gather(
        *(
            program.get("/api/errors", location_id=each.location_id, hours="336", limit="100")
            for each in LOCATIONS
        )
    )
    classes = {each["error_class"] for group in groups for each in group["items"]}
    prints = [{each["error_fingerprint"] for each in group["items"]} for group in groups]

    assert classes >= {
        "AUTH", "CONFIG", "CONTACT_DATA", "EMAIL_AUTH", "EMAIL_BOUNCE", "EXPECTED",
        "HTTP_REMOTE", "NOT_FOUND", "RATE_LIMIT", "SMS_FILTERED", "SMS_SENDER",
    }  # fmt: skip
    assert set.intersection(*prints)


async def steps_timelines_and_what_was_not_understood_are_there(program):
    where = {"location_id": LOCATIONS[0].location_id}
    steps = await program.get("/api/failing-steps", **where, hours="336")
    timeline = await program.get("/api/timeline", **where, hours="336")

    assert {"Write to practice software", "Text back"} <= {
        each["failed_action_name"] for each in steps["items"]
    }
    assert sum(each["succeeded"] > 0 for each in timeline["items"]) >= 10
    assert len(await everywhere(program, "/api/quarantine")) == 3


async def scans_find_much_and_say_what_is_new(program):
    findings = await everywhere(program, "/api/findings")
    rules = {each["rule_id"] for each in findings}
    scans = await everywhere(program, "/api/scans", status="completed")

    assert len(rules) >= 20
    assert {each["severity"] for each in findings} == {"critical", "warning", "info"}
    assert any(each["rule_id"] == "GHL104" for each in findings)
    assert len(scans) == 6
    assert all(0 <= each["summary"]["score"] <= 100 for each in scans)
    compared = [
        await program.get("/api/scans/compare", location_id=each.location_id) for each in LOCATIONS
    ]
    assert any(each["counts"]["new"] for each in compared)
    assert await everywhere(program, "/api/findings", state="ignored")


async def alerts_are_open_looked_after_and_mailed(program):
    async def told():
        incidents = await everywhere(program, "/api/incidents", status="open")
        mails = (await program.get("/api/dev/mailbox"))["items"]
        return incidents if incidents and mails else None

    incidents = await eventually(told, within=20)
    assert any("Storm lead intake" in each["title"] for each in incidents)
    assert any(each["acknowledged_at"] for each in incidents)

    async def of_the_agency():
        return await program.items("/api/incidents", status="open", all_locations="true")

    (one_error,) = await eventually(of_the_agency, within=20)
    assert "same error in 3 locations" in one_error["title"]


async def a_second_load_adds_nothing(program, data):
    before = [await counted(program, each) for each in LISTS]

    code, said, error = await demo("load", data, "--days", str(DAYS))

    assert (code, error) == (0, "")
    assert said.count("  0 executions added") == 3
    assert f"{program.url}/" in said
    assert [await counted(program, each) for each in LISTS] == before


async def removing_leaves_nothing_but_the_log_of_changes(program, data, urls):
    mine = await program.put("/api/locations/mine", {"name": "Mine"})

    code, said, error = await demo("remove", data)
    again: list[str] = []
    await remove(program, again.append)

    assert (code, error, said.count("removed")) == (0, "", 3)
    assert [each.endswith("was not there") for each in again] == [True] * 3
    assert await program.items("/api/locations") == [mine]
    left = Counter(
        trace.split(":")[0]
        for url in urls.values()
        for location in LOCATIONS
        for trace in traces(url, location.location_id)
    )
    assert set(left) == {"audit_log"}


@pytest.mark.timeout(120)
async def test_there_is_something_to_see_everywhere_only_once_and_until_it_is_removed(
    data, databases_given, database_urls
):
    async with standalone(data, **databases_given), running(data) as program:
        await load(program, print, DAYS)

        await there_is_a_workflow_for_each_trend(program)
        await errors_are_of_many_kinds_and_one_hits_all_locations(program)
        await steps_timelines_and_what_was_not_understood_are_there(program)
        await scans_find_much_and_say_what_is_new(program)
        await alerts_are_open_looked_after_and_mailed(program)
        await a_second_load_adds_nothing(program, data)
        await removing_leaves_nothing_but_the_log_of_changes(program, data, database_urls)
