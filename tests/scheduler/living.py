"""Short ways to follow findings over scans."""

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import LOCATION, SECONDS, history, scanned

WELL = "S" * 20
FAULTY = "SSSFS" * 4
"""Runs that give one finding, a warning."""


async def found(stub, **fields) -> list[pb.Finding]:
    """Gives what the last completed scan found."""
    request = pb.ListFindingsRequest(location_id=LOCATION, **fields)
    return list((await stub.ListFindings(request, timeout=SECONDS)).findings)


async def finding_of(stub, workflow_id) -> pb.Finding:
    """Gives the one finding of a workflow."""
    [finding] = await found(stub, workflow_id=workflow_id)
    return finding


async def scanned_with_faults(stub, ingestion, faulty, *, of="ABCD") -> pb.Scan:
    """Scans workflows, of which some have one fault each; gives the scan."""
    for workflow_id in of:
        ingestion.knows(workflow_id, history(*FAULTY if workflow_id in faulty else WELL))
    return await scanned(stub)


async def ignore(stub, finding_id, *, location=LOCATION, **fields) -> pb.Finding:
    """Ignores a finding."""
    request = pb.IgnoreFindingRequest(
        location_id=location,
        finding_id=finding_id,
        **{"reason": "The client knows.", "actor": "key of ops"} | fields,
    )
    return (await stub.IgnoreFinding(request, timeout=SECONDS)).finding


async def unignore(stub, finding_id, *, location=LOCATION) -> pb.Finding:
    """Lets a finding count again."""
    request = pb.UnignoreFindingRequest(location_id=location, finding_id=finding_id)
    return (await stub.UnignoreFinding(request, timeout=SECONDS)).finding
