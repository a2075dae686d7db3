"""A location that was scanned before 0003 goes on as if findings had always been known."""

import runpy

from services.scheduler.wiring import MIGRATIONS
from tests.scheduler.asking import sql
from tests.scheduler.living import scanned_with_faults

KNOWN = """
SELECT workflow_id, rule_id, title, severity, standing, first_seen_at, last_seen_at
FROM known_findings ORDER BY fingerprint
"""


async def test_what_scans_knew_is_filled_in(scheduler, ingestion, url):
    await scanned_with_faults(scheduler, ingestion, "AB")
    await scanned_with_faults(scheduler, ingestion, "BC")
    kept = await sql(url, KNOWN)
    await sql(url, "DELETE FROM known_findings")
    await sql(url, "DELETE FROM findings WHERE state = 'fixed'")

    await sql(url, runpy.run_path(str(MIGRATIONS / "0003_findings_over_scans.py"))["FILL"])

    assert await sql(url, KNOWN) == kept
    assert {each.workflow_id: each.standing for each in kept} == {
        "A": "fixed",
        "B": "open",
        "C": "open",
    }
