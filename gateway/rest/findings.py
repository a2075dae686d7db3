"""Findings: what is wrong, and what people decided to live with. And the rules that say so."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query

from gateway.access import Scope
from gateway.rest import wire
from gateway.rest.backend import Backend
from gateway.rest.changes import Changes
from gateway.rest.models.findings import (
    Catalogue,
    Finding,
    FindingStateWord,
    FindingStory,
    IgnoreBody,
)
from gateway.rest.models.scans import SeverityWord
from gateway.rest.models.shapes import Page, page_of
from gateway.rest.openapi import told
from gateway.rest.routes import (
    AskedPage,
    Back,
    KeyedRoute,
    PageAsked,
    ReadLocation,
    Who,
    WriteLocation,
)
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb

router = APIRouter(prefix="/api", tags=["Findings"], route_class=KeyedRoute)


class WantedFindings(NamedTuple):
    """Which findings of a scan are wanted."""

    state: FindingStateWord | None
    severity: SeverityWord | None
    rule_id: str
    workflow_id: str


def wanted_findings(
    state: Annotated[
        FindingStateWord | None, Query(description="Only this state. Without it: all but fixed.")
    ] = None,
    severity: Annotated[SeverityWord | None, Query(description="Only this severity.")] = None,
    rule_id: Annotated[str, Query(description="Only this rule.", examples=["GHL402"])] = "",
    workflow_id: Annotated[str, Query(description="Only this workflow.")] = "",
) -> WantedFindings:
    """Reads which findings a caller asks for."""
    return WantedFindings(state, severity, rule_id, workflow_id)


Wanted = Annotated[WantedFindings, Depends(wanted_findings)]


async def listed(
    back: Backend, location_id: str, scan_id: str, page: AskedPage, wanted: WantedFindings
) -> Page[Finding]:
    """Gives a page of what a scan found; without an id of what the last completed one did."""
    request = pb.ListFindingsRequest(
        location_id=location_id,
        scan_id=scan_id,
        state=wire.number(pb.FindingState.DESCRIPTOR, wanted.state),
        severity=wire.number(pb.Severity.DESCRIPTOR, wanted.severity),
        rule_id=wanted.rule_id,
        workflow_id=wanted.workflow_id,
        page_size=page.size,
        page_token=page.token,
    )
    with back.asking("scheduler"):
        response = await back.services.scheduler.ListFindings(request, timeout=back.seconds)
    return page_of(Finding, response.findings, response.next_page_token)


@router.get("/findings", responses=told(404))
async def list_findings(
    back: Back, location_id: ReadLocation, page: PageAsked, wanted: Wanted
) -> Page[Finding]:
    """Lists what the last completed scan found, worst first."""
    return await listed(back, location_id, "", page, wanted)


@router.get("/findings/{finding_id}", responses=told(404))
async def get_finding(back: Back, location_id: ReadLocation, finding_id: str) -> FindingStory:
    """Gets one finding, and what scans said of it before and after."""
    request = pb.GetFindingRequest(location_id=location_id, finding_id=finding_id)
    with back.asking("scheduler"):
        response = await back.services.scheduler.GetFinding(request, timeout=back.seconds)
    return FindingStory.of(response)


@router.post("/findings/{finding_id}/ignore", responses=told(404))
async def ignore_finding(
    *,
    back: Back,
    who: Who,
    location_id: WriteLocation,
    changes: Changes,
    finding_id: str,
    body: IgnoreBody,
) -> Finding:
    """Lets a finding neither count nor alert: until a date, another version, or for ever."""
    request = pb.IgnoreFindingRequest(
        location_id=location_id,
        finding_id=finding_id,
        actor=who.name,
        reason=body.reason,
        until=wire.timestamp(body.until),
        until_version_changes=body.until_version_changes,
    )
    with back.asking("scheduler"):
        response = await back.services.scheduler.IgnoreFinding(request, timeout=back.seconds)
    await changes.note("finding.ignored", finding_id, location_id)
    return Finding.of(response.finding)


@router.post("/findings/{finding_id}/unignore", responses=told(404))
async def unignore_finding(
    back: Back, location_id: WriteLocation, changes: Changes, finding_id: str
) -> Finding:
    """Lets an ignored finding count again, from the next scan on."""
    request = pb.UnignoreFindingRequest(location_id=location_id, finding_id=finding_id)
    with back.asking("scheduler"):
        response = await back.services.scheduler.UnignoreFinding(request, timeout=back.seconds)
    await changes.note("finding.unignored", finding_id, location_id)
    return Finding.of(response.finding)


@router.get("/rules")
async def list_rules(back: Back, who: Who) -> Catalogue:
    """Lists all that a scan looks for. The same for every location."""
    who.require(Scope.READ)
    with back.asking("scheduler"):
        response = await back.services.scheduler.ListRules(
            pb.ListRulesRequest(), timeout=back.seconds
        )
    return Catalogue.of(response)
