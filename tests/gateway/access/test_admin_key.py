"""The admin key: made once, in a file of its owner's."""

import asyncio
import stat

import pytest

from gateway.access import Access, Scope, keys
from gateway.access.admin_key import ensure_admin_key
from gateway.wiring import running
from libs.clock import SystemClock
from libs.db.database import Database
from libs.problems import CannotStart
from tests.gateway.conftest import gateway_settings


@pytest.fixture
def file(tmp_path):
    return tmp_path / "data" / "admin.key"


async def test_the_first_start_makes_a_key_that_may_do_everything(access, database, file):
    await ensure_admin_key(database, file)

    caller = await access.caller(file.read_text().strip())
    assert (caller.scope, caller.location_id, caller.name) == (Scope.ADMIN, None, "admin")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [each.name for each in file.parent.iterdir()] == ["admin.key"]


async def test_later_starts_keep_it_and_close_it_to_others(access, database, file):
    await ensure_admin_key(database, file)
    secret = file.read_text()
    file.chmod(0o644)

    await ensure_admin_key(database, file)

    assert file.read_text() == secret
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len((await access.list_keys()).items) == 1


async def test_a_lost_file_means_a_new_key_and_the_lost_one_stays_valid(access, database, file):
    await ensure_admin_key(database, file)
    lost = file.read_text().strip()
    file.unlink()

    await ensure_admin_key(database, file)

    found = file.read_text().strip()
    assert found != lost
    for secret in (lost, found):
        assert (await access.caller(secret)).scope is Scope.ADMIN


@pytest.mark.parametrize("why", ["revoked", "unknown", "narrow", "bound"])
async def test_a_file_whose_key_does_not_rule_the_agency_gets_a_new_one(
    access, database, file, why
):
    await ensure_admin_key(database, file)
    (key,) = (await access.list_keys()).items
    if why == "revoked":
        await access.revoke_key(key.key_id)
    elif why == "unknown":
        file.write_text(keys.new_secret(Scope.ADMIN))
    elif why == "narrow":
        file.write_text((await access.create_key(name="n", scope=Scope.WRITE))[0])
    else:
        bound, _ = await access.create_key(name="n", scope=Scope.ADMIN, location_id="l1")
        file.write_text(bound)
    useless = file.read_text().strip()

    await ensure_admin_key(database, file)

    secret = file.read_text().strip()
    assert secret != useless
    caller = await access.caller(secret)
    assert (caller.scope, caller.location_id) == (Scope.ADMIN, None)


async def test_a_file_of_something_else_is_left_alone(database, access, file):
    file.parent.mkdir()
    file.write_text("my diary")

    with pytest.raises(CannotStart, match=r"GATEWAY_ADMIN_KEY_FILE=.*admin\.key"):
        await ensure_admin_key(database, file)

    assert file.read_text() == "my diary"
    assert not (await access.list_keys()).items


async def test_a_folder_that_cannot_be_written_is_named(database, access, tmp_path):
    (tmp_path / "data").write_text("not a folder")

    with pytest.raises(CannotStart, match="GATEWAY_ADMIN_KEY_FILE"):
        await ensure_admin_key(database, tmp_path / "data" / "admin.key")

    assert not (await access.list_keys()).items


async def test_two_gateways_that_start_at_once_make_one_key(databases, tmp_path):
    url = databases.new_empty()
    settings = gateway_settings(url, tmp_path)
    both_serve = asyncio.Barrier(2)

    async def start():
        async with running(settings) as http:
            await both_serve.wait()
            return http

    first, second = await asyncio.gather(start(), start())

    assert first != second
    async with Database.open(url, name="tests") as database:
        access = Access(database, SystemClock())
        (key,) = (await access.list_keys()).items
        assert (await access.caller(settings.admin_key_file.read_text().strip())) == key.caller()
    databases.drop(url)
