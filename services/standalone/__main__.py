"""`python -m services.standalone`, which is what `make run` starts."""

import sys

from libs.rpc.process import run
from services.standalone.settings import StandaloneSettings
from services.standalone.wiring import running

sys.exit(run(StandaloneSettings, running))
