"""One PostgreSQL server: makes its data, starts it, notices its end, stops it."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

from libs.db.embedded.folder import open_log, secret, write_private
from libs.db.embedded.leftovers import ending_leftovers, forget_reused_pid
from libs.db.embedded.placing import Place
from libs.db.embedded.programs import major_version
from libs.db.embedded.refusals import DataFromOtherVersion, PasswordMissing, PostgresNotStarted

Steps = Generator[float]
"""Work that waits: each step says for how long, and whoever walks them chooses how."""

ADMIN = "postgres"
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": os.defpath}
TICK = 0.02
START_LIMIT = 300.0
FAST_STOP = 20.0
IMMEDIATE_STOP = 5.0
PORT_ATTEMPTS = 5
LOG_LIMIT = 10_000_000
TAIL = 2_000
BELOW_EPHEMERAL = range(20_000, 32_000)
"""Ports the system does not give to outgoing connections while PostgreSQL is away."""

DEFAULTS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Statements and details carry contacts' data.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    # What a burst has written is used again by the next one; beyond this it is removed.
    "min_wal_size": "512MB",
    "max_wal_size": "1GB",
}
WAL_FILE_MEGABYTES = 1
"""All commits wait while PostgreSQL makes a new file for its log: 70 ms for its usual 16 MB, 5 for one."""


class Server:
    """A server in a folder that is ours alone while this lives."""

    def __init__(self, folder: Path, place: Place, port: int, settings: Mapping[str, str]) -> None:
        self.port = port
        self._place = place
        self._settings = settings
        self._name = f"runwarden-{hashlib.sha256(bytes(place.data)).hexdigest()[:16]}"
        self._password_file = folder / f"{ADMIN}.password"
        self._log_file = folder / "postgres.log"
        self._log_start = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def password(self) -> str:
        """The administrator's password."""
        return self._password_file.read_text()

    @property
    def exit_code(self) -> int | None:
        """How the server ended, or nothing while it runs."""
        return self._process.poll() if self._process else None

    def starting(self) -> Steps:
        """Starts the server, with new data if there are none."""
        if (self._place.data / "PG_VERSION").exists():
            self._check_data()
        else:
            yield from self._initializing()
        yield from self.serving()

    def serving(self) -> Steps:
        """Starts the server on the data that are there; also after it died."""
        yield from ending_leftovers(self._name)
        self._place.account.take(self._place.data)
        forget_reused_pid(self._place.data)
        for port in self._ports():
            self._launch(port)
            yield from self._becoming_ready()
            if self.exit_code is None:
                self.port = port
                return
            if "could not bind" not in self._log_tail():
                raise self._refusal("PostgreSQL ended while it started")
        raise self._refusal(f"Port {port} of 127.0.0.1 is taken: choose another, or 0 for any")

    def stopping(self) -> Steps:
        """Stops the server: after the running statements' abort, or harder when that takes long."""
        for how, patience in (
            (signal.SIGINT, FAST_STOP),
            (signal.SIGQUIT, IMMEDIATE_STOP),
            (signal.SIGKILL, IMMEDIATE_STOP),
        ):
            if self._process is None or self.exit_code is not None:
                return
            self._process.send_signal(how)
            yield from self._ending(patience)

    def _ending(self, patience: float) -> Steps:
        give_up = time.monotonic() + patience
        while self.exit_code is None and time.monotonic() < give_up:
            yield TICK

    def _check_data(self) -> None:
        data = self._place.data
        wrote = int((data / "PG_VERSION").read_text())
        reads = major_version(self._place.programs)
        if wrote != reads:
            raise DataFromOtherVersion(
                f"The database in {data} was written by PostgreSQL {wrote}, and the programs are "
                f"PostgreSQL {reads}: install version {wrote}, or dump it with that version "
                f"(pg_dumpall), choose an empty folder and restore it there",
            )
        if not self._password_file.exists():
            raise PasswordMissing(
                f"{self._password_file} is missing: restore it from a backup, "
                f"or choose an empty folder",
            )

    def _initializing(self) -> Steps:
        # Into a draft, so that data that are there are whole.
        draft = self._place.data.with_name("data.draft")
        password_file = draft.with_name("initdb.password")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        write_private(password_file, secret(self._password_file))
        for path in (draft, password_file):
            self._place.account.take(path)
        try:
            yield from self._running_initdb(draft, password_file)
        finally:
            password_file.unlink()
        draft.rename(self._place.data)

    def _running_initdb(self, data: Path, password_file: Path) -> Steps:
        options = [f"--pgdata={data}", f"--pwfile={password_file}", f"--username={ADMIN}"]
        options += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]
        options += ["--data-checksums", f"--wal-segsize={WAL_FILE_MEGABYTES}"]
        if self._settings.get("fsync") == "off":
            options += ["--no-sync"]
        self._spawn("initdb", options)
        yield from self._ending(START_LIMIT)
        if self.exit_code != 0:
            raise self._refusal("PostgreSQL's initdb failed")

    def _launch(self, port: int) -> None:
        settings = {
            **DEFAULTS,
            **self._settings,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": str(port),
            "cluster_name": self._name,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        self._spawn("postgres", ["-D", str(self._place.data), *options])

    def _becoming_ready(self) -> Steps:
        # A recovery may take long, so what counts is what the server says of itself.
        give_up = time.monotonic() + START_LIMIT
        while self.exit_code is None and not self._says_ready():
            if time.monotonic() > give_up:
                raise self._refusal(f"PostgreSQL was not ready within {START_LIMIT:.0f} s")
            yield TICK

    def _says_ready(self) -> bool:
        assert self._process is not None
        try:
            lines = (self._place.data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        return lines[0] == str(self._process.pid) and lines[7:8] == ["ready   "]

    def _spawn(self, program: str, options: list[str]) -> None:
        become = self._place.account.becoming()
        log = self._open_log()
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [*become, str(self._place.programs / program), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=ENVIRONMENT,
                start_new_session=True,  # Ctrl-C at the terminal is for us to pass on
            )
        finally:
            os.close(log)

    def _open_log(self) -> int:
        if self._log_file.exists() and self._log_file.stat().st_size > LOG_LIMIT:
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
        log = open_log(self._log_file)
        self._log_start = os.fstat(log).st_size
        return log

    def _log_tail(self) -> str:
        with self._log_file.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")[-TAIL:].strip()

    def _refusal(self, fact: str) -> PostgresNotStarted:
        return PostgresNotStarted(f"{fact}. {self._log_file} ends with:\n{self._log_tail()}")

    def _ports(self) -> Iterator[int]:
        if self.port:
            yield self.port
            return
        yield from random.sample(BELOW_EPHEMERAL, PORT_ATTEMPTS)
