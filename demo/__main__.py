"""`python -m demo load` and `python -m demo remove`, beside a program that runs."""

import argparse
import asyncio
import sys
from pathlib import Path

from demo.loading import load
from demo.program import Trouble, running
from demo.removing import remove
from demo.showing import show


async def _done(arguments: argparse.Namespace) -> None:
    async with running(arguments.data) as program:
        if arguments.command == "remove":
            await remove(program, print)
        else:
            await load(program, print, arguments.days)
            await show(program, print)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m demo", description="A small agency to look at."
    )
    parser.add_argument("command", choices=["load", "remove"])
    parser.add_argument(
        "--data", type=Path, default=Path(".runwarden"), help="where the program keeps its things"
    )
    parser.add_argument("--days", type=int, default=30, help="how far back the executions go")
    return parser.parse_args()


try:
    asyncio.run(_done(_arguments()))
except Trouble as trouble:
    sys.exit(str(trouble))
