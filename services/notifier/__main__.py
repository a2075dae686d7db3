"""Runs the notifier as a program: `python -m services.notifier`."""

import sys

from libs.rpc.process import run
from services.notifier.settings import NotifierSettings
from services.notifier.wiring import running

if __name__ == "__main__":
    sys.exit(run(NotifierSettings, running))
