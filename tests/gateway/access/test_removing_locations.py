"""A location is removed with its keys and sessions; the log of changes stays."""

from gateway.access import Access, Caller, Scope
from gateway.access.tables import GatewayTable
from libs.db.database import Database
from tests.support.everything import GONE, STAYING, fill, traces


async def test_nothing_is_left_but_the_log_and_others_keep_every_row(new_database, clock):
    url = new_database("gateway")
    fill(url, GatewayTable.metadata, but=frozenset())
    there, others = traces(url, GONE), traces(url, STAYING)

    async with Database.open(url, name="test") as database:
        access = Access(database, clock)
        removed = await access.remove_location(GONE)
        again = await access.remove_location(GONE)

    assert (removed, again) == (len(there) - 1, 0)
    assert [each.split(":")[0] for each in traces(url, GONE)] == ["audit_log"]
    assert traces(url, STAYING) == others


async def test_revoked_keys_are_refused_at_once(access):
    secret, _ = await access.create_key(name="hooks", scope=Scope.INGEST, location_id="l1")
    other, _ = await access.create_key(name="hooks", scope=Scope.INGEST, location_id="l2")
    await access.caller(secret)

    await access.revoke_keys_of("l1")

    assert [each.revoked_at is None for each in (await access.list_keys("l1")).items] == [False]
    assert isinstance(await access.caller(other), Caller)
