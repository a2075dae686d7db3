"""Runs the whole street in one process, each house on its own port, over real gRPC."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import SecretStr

import gateway.wiring
import services.ingestion.wiring
import services.notifier.wiring
import services.scheduler.wiring
from gateway.pages import signing_in
from gateway.settings import GatewaySettings
from libs.db.embedded import Cluster, embedded_postgres
from libs.db.embedded.folder import secret
from libs.problems import CannotStart
from services.ingestion.settings import IngestionSettings
from services.notifier.settings import NotifierSettings
from services.scheduler.settings import SchedulerSettings
from services.standalone.settings import StandaloneSettings

DATABASES = ("ingestion", "scheduler", "notifier", "gateway")


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where the parts answer, as `runtime.json` says it."""

    http: str
    ingestion: str
    scheduler: str
    notifier: str
    pid: int


@asynccontextmanager
async def running(settings: StandaloneSettings) -> AsyncIterator[Runtime]:
    """Runs everything until the block ends; each part after those it needs."""
    data = _data_folder(settings.data)
    keys = settings.encryption_keys or (SecretStr(secret(data / "encryption.key")),)
    async with AsyncExitStack() as street:
        urls = await _databases(street, settings, data)
        notifier = await street.enter_async_context(
            services.notifier.wiring.running(
                NotifierSettings(database_url=urls["notifier"], encryption_keys=keys)
            )
        )
        ingestion = await street.enter_async_context(
            services.ingestion.wiring.running(
                IngestionSettings(
                    database_url=urls["ingestion"], encryption_keys=keys, notifier_address=notifier
                )
            )
        )
        scheduler = await street.enter_async_context(
            services.scheduler.wiring.running(
                SchedulerSettings(
                    database_url=urls["scheduler"],
                    encryption_keys=keys,
                    ingestion_address=ingestion,
                    notifier_address=notifier,
                )
            )
        )
        http = await street.enter_async_context(
            gateway.wiring.running(
                GatewaySettings(
                    database_url=urls["gateway"],
                    ingestion_address=ingestion,
                    scheduler_address=scheduler,
                    notifier_address=notifier,
                    admin_key_file=data / "admin.key",
                )
            )
        )
        runtime = Runtime(http, ingestion, scheduler, notifier, os.getpid())
        street.callback((data / "runtime.json").unlink, missing_ok=True)
        _announce(runtime, data)
        yield runtime


async def _databases(
    street: AsyncExitStack, settings: StandaloneSettings, data: Path
) -> dict[str, SecretStr]:
    given = {name: getattr(settings, f"{name}_database_url") for name in DATABASES}
    if None not in given.values():
        return given
    cluster = await street.enter_async_context(embedded_postgres(data / "postgres"))
    return {name: url or await _embedded(cluster, name) for name, url in given.items()}


async def _embedded(cluster: Cluster, name: str) -> SecretStr:
    return SecretStr(await cluster.ensure_database(name))


def _data_folder(path: Path) -> Path:
    try:
        # 0711: the database's own folder inside may belong to another user, who
        # must be able to pass; every secret in it is a file of mode 0600.
        path.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"STANDALONE_DATA={path} cannot be used: {error.strerror}") from error
    return path.resolve()


def _announce(runtime: Runtime, data: Path) -> None:
    # Renamed into place, so that whoever waits for the file reads the whole of it.
    draft = data / "runtime.json.draft"
    draft.write_text(json.dumps(asdict(runtime)))
    draft.rename(data / "runtime.json")
    print(  # noqa: T201  for the person who typed `make run`
        f"\n  Runwarden serves at {runtime.http}\n"
        f"  {_way_in(runtime, data / 'admin.key')}\n"
        "  Ctrl-C stops it.\n",
        flush=True,
    )


def _way_in(runtime: Runtime, key_file: Path) -> str:
    # What is not a terminal may be a log, and a key is in no log.
    if not sys.stdout.isatty():
        return f"The admin key is in {key_file}"
    return f"Sign in with {signing_in.link(runtime.http, key_file.read_text().strip())}"
