"""`python -m services.ingestion`."""

import sys

from libs.rpc.process import run
from services.ingestion.settings import IngestionSettings
from services.ingestion.wiring import running

if __name__ == "__main__":
    sys.exit(run(IngestionSettings, running))
