"""`python -m services.scheduler`."""

import sys

from libs.rpc.process import run
from services.scheduler.settings import SchedulerSettings
from services.scheduler.wiring import running

if __name__ == "__main__":
    sys.exit(run(SchedulerSettings, running))
