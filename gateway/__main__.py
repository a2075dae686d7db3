"""Runs the gateway as a program: `python -m gateway`."""

import sys

from gateway.settings import GatewaySettings
from gateway.wiring import running
from libs.rpc.process import run

if __name__ == "__main__":
    sys.exit(run(GatewaySettings, running))
