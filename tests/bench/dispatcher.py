"""Fires what is due until nothing is: `python -m tests.bench.dispatcher URL`, begins on a line of input."""

import asyncio
import sys

import psycopg
import uvloop

from libs.db.database import Database
from services.scheduler.actions.firing import Firing

DUE = "SELECT EXISTS (SELECT 1 FROM scan_schedules WHERE enabled AND next_scan_at <= clock_now())"


async def main(url: str) -> None:
    """Fires, as one of several processes would."""
    async with Database.open(url, name="dispatcher") as database:
        await database.ping()
        firing = Firing(database, on_queued=lambda: None)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as looking:
            while (await (await looking.execute(DUE)).fetchone())[0]:
                await firing.tick()
        print("done", flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
