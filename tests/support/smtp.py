"""A mail server on loopback that wants TLS and a password, and can be told to refuse."""

import asyncio
import email
import email.policy
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path
from ssl import SSLContext

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.certificates import loopback_certificate

AUTHENTICATION_REQUIRED = "530 5.7.0 Authentication required"


class Security(StrEnum):
    """When a connection is encrypted."""

    STARTTLS = "starttls"  # after a greeting in the clear, as on port 587
    IMPLICIT = "implicit"  # from the first byte, as on port 465
    NONE = "none"  # never, and nobody has to log in, as on port 25 of a relay


class Stage(StrEnum):
    """The command that an answer is for."""

    SENDER = "MAIL"
    RECIPIENT = "RCPT"
    MESSAGE = "DATA"


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as it arrived."""

    sender: str
    recipients: list[str]
    message: EmailMessage
    authenticated: bool
    tls: bool


class MailServer:
    """Collects the mails it accepts; `mails` are those, in order of arrival."""

    host = "localhost"
    user = "runwarden"
    password = "correct horse"

    def __init__(self, security: Security, tls: SSLContext, ca_file: Path) -> None:
        self.ca_file = ca_file
        self.mails: list[Mail] = []
        self.attempts = 0
        self.port = 0
        self._security = security
        self._tls = tls
        self._answers: defaultdict[Stage, deque[str]] = defaultdict(deque)
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    def answer_next(self, answer: str, *, times: int = 1, at: Stage = Stage.MESSAGE) -> None:
        """Gives this answer, for example "451 4.3.0 Later", to the next commands of a stage."""
        self._answers[at].extend([answer] * times)

    async def start(self) -> None:
        """Listens, on the same port as before."""
        implicit = self._tls if self._security is Security.IMPLICIT else None
        self._server = await asyncio.get_running_loop().create_server(
            self._connection, "127.0.0.1", self.port, ssl=implicit
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse_connections(self) -> None:
        """Goes away as a server that is down: no new connections, and the open ones are cut."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.cut()
        await self._server.wait_closed()
        self._server = None

    def _connection(self) -> "_Connection":
        starttls = self._security is Security.STARTTLS
        return _Connection(
            self._connections,
            self,
            hostname="mail.test",
            enable_SMTPUTF8=True,
            tls_context=self._tls if starttls else None,
            require_starttls=starttls,
            auth_require_tls=starttls,
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(self, _server, _session, _envelope, _mechanism, login) -> AuthResult:
        good = LoginPassword(self.user.encode(), self.password.encode())
        return AuthResult(success=login == good, handled=False)

    # What aiosmtpd calls, by its names.

    async def handle_MAIL(
        self, _server: SMTP, session: Session, envelope: Envelope, sender: str, options: list[str]
    ) -> str:
        if self._security is not Security.NONE and not session.authenticated:
            return AUTHENTICATION_REQUIRED
        if refusal := self._refusal(Stage.SENDER):
            return refusal
        envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, recipient: str, _options
    ) -> str:
        if refusal := self._refusal(Stage.RECIPIENT):
            return refusal
        envelope.rcpt_tos.append(recipient)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        self.attempts += 1
        if refusal := self._refusal(Stage.MESSAGE):
            return refusal
        self.mails.append(_mail(session, envelope, tls=self._is_encrypted(session)))
        return f"250 2.0.0 Queued as {len(self.mails)}"

    def _refusal(self, stage: Stage) -> str | None:
        return self._answers[stage].popleft() if self._answers[stage] else None

    def _is_encrypted(self, session: Session) -> bool:
        return self._security is Security.IMPLICIT or session.ssl is not None


@asynccontextmanager
async def mail_server(security: Security = Security.STARTTLS) -> AsyncIterator[MailServer]:
    """Runs a mail server on the loop of the test."""
    with loopback_certificate() as certified:
        server = MailServer(security, certified.server, certified.ca_file)
        await server.start()
        try:
            yield server
        finally:
            await server.refuse_connections()


class _Connection(SMTP):
    """One client's connection; knows how to end without the client."""

    def __init__(self, open_ones: "set[_Connection]", *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._open_ones = open_ones

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open_ones.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open_ones.discard(self)
        super().connection_lost(error)

    def cut(self) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        self.transport.abort()


def _mail(session: Session, envelope: Envelope, *, tls: bool) -> Mail:
    assert envelope.mail_from is not None
    assert isinstance(envelope.content, bytes)
    return Mail(
        sender=envelope.mail_from,
        recipients=list(envelope.rcpt_tos),
        message=email.message_from_bytes(envelope.content, policy=email.policy.default),
        authenticated=bool(session.authenticated),
        tls=tls,
    )
