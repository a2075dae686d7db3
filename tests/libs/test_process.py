"""A program says in one line what is wrong with its settings, and stops when it is told to."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = textwrap.dedent(
    """
    import sys
    from contextlib import asynccontextmanager
    from pydantic import SecretStr
    from pydantic_settings import SettingsConfigDict
    from libs.problems import CannotStart
    from libs.rpc.process import run
    from libs.settings import ServiceSettings

    class Settings(ServiceSettings):
        model_config = SettingsConfigDict(env_prefix="TRIAL_")
        port: int = 0
        fails: bool = False
        hangs: bool = False
        database_url: SecretStr = SecretStr("postgresql://u:hidden@h/d")

    @asynccontextmanager
    async def running(settings):
        if settings.fails:
            raise CannotStart("the reason in plain words")
        if settings.hangs:
            print("hanging", flush=True)
            import asyncio
            await asyncio.Event().wait()
        print("serving", flush=True)
        yield
        print("closed", flush=True)

    sys.exit(run(Settings, running))
    """
)


def started(**environment):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_closes_in_order_on_sigterm_and_exits_with_0():
    program = started()
    while "serving" not in program.stdout.readline():
        pass
    program.send_signal(signal.SIGTERM)
    output, errors = program.communicate(timeout=10)

    assert "closed" in output
    assert (program.returncode, errors) == (0, "")


def test_it_can_be_interrupted_while_it_starts():
    program = started(TRIAL_HANGS="1")
    while "hanging" not in program.stdout.readline():
        pass
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=10)

    assert (program.returncode, errors) == (130, "")


def test_a_start_that_fails_is_told_in_plain_words():
    _, errors = started(TRIAL_FAILS="1").communicate(timeout=10)

    assert errors == "the reason in plain words\n"


def test_wrong_settings_are_named_by_their_variable():
    program = started(TRIAL_PORT="many", TRIAL_METRICS_PORT="0")
    _, errors = program.communicate(timeout=10)

    assert program.returncode == 2
    assert "TRIAL_PORT: " in errors
    assert "TRIAL_METRICS_PORT: " in errors
    assert "Traceback" not in errors


def test_the_settings_are_logged_without_secrets():
    program = started(SERVICE_TOKEN="t0psecret")
    line = program.stdout.readline()
    program.send_signal(signal.SIGTERM)
    program.communicate(timeout=10)

    assert "program.starting" in line
    assert "t0psecret" not in line
    assert "hidden" not in line
