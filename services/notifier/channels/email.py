"""Tells people: mail over SMTP, one recipient a message."""

import asyncio
import contextlib
import email.policy
import socket
import ssl
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr

import aiosmtplib

from libs.problems import CannotStart
from services.notifier.channels.layout import MailLayout
from services.notifier.domain.delivery import LARGEST_ANSWER, Frozen, Parcel
from services.notifier.domain.message import Message
from services.notifier.domain.passes import UNSUBSCRIBE_FOR, Act, Pass, Passes
from services.notifier.domain.retry import SLOW_DOWN, Outcome, Verdict
from services.notifier.domain.settings import check_email, is_email
from services.notifier.domain.target import Target
from services.notifier.domain.text import one_line
from services.notifier.settings import NotifierSettings

SIGN_IN_SECONDS = 10.0
SUBMIT_SECONDS = 20.0
TLS_PORT = 465
QUEUED, CLOSING, PERMANENT = 250, 421, 500
GREYLISTED = timedelta(seconds=30)

# Bodies in ASCII, so that a relay without 8BITMIME takes them as well.
POLICY = email.policy.SMTP.clone(cte_type="7bit", max_line_length=900)


class SenderMalformed(CannotStart):
    """SMTP_FROM is no address."""


class Letterhead:
    """Who the mails are from, and the headers they all have."""

    def __init__(self, smtp_from: str, passes: Passes) -> None:
        name, address = parseaddr(smtp_from)
        if not is_email(address):
            raise SenderMalformed(
                f"SMTP_FROM={smtp_from!r} is no sender; write it like "
                "Runwarden <alerts@example.com>."
            )
        self._from = Address(display_name=name, addr_spec=address)
        self._passes = passes

    @property
    def sender(self) -> str:
        return self._from.addr_spec

    def message_id(self, parcel: Parcel) -> str:
        return f"<{parcel.message_id}@{self._from.domain}>"

    def written(self, parcel: Parcel) -> EmailMessage:
        """Gives the mail; of the same parcel always the same."""
        mail = EmailMessage(policy=POLICY)
        mail["From"] = self._from
        mail["To"] = Address(addr_spec=parcel.address)
        mail["Subject"] = parcel.frozen.subject
        mail["Date"] = parcel.created_at
        mail["Message-ID"] = self.message_id(parcel)
        if parcel.incident_id:
            # What opens, and what resolves, the incident: one thread.
            mail["References"] = f"<incident.{parcel.incident_id}@{self._from.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        # RFC 8058: the mail program posts there, without asking further.
        mail["List-Unsubscribe"] = f"<{self._unsubscribing(parcel)}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(parcel.frozen.text)
        mail.add_alternative(parcel.frozen.html, subtype="html")
        mail.set_boundary(f"=_{parcel.message_id}")
        return mail

    def _unsubscribing(self, parcel: Parcel) -> str:
        until = parcel.created_at + UNSUBSCRIBE_FOR
        own = Pass(Act.UNSUBSCRIBE, parcel.location_id, parcel.target_id, "", until)
        return self._passes.link(own)


class EmailChannel:
    """Submits mails to the configured server."""

    def __init__(self, settings: NotifierSettings, layout: MailLayout, passes: Passes) -> None:
        self._settings = settings
        self._layout = layout
        self._letterhead = Letterhead(settings.smtp_from, passes)
        self._security = settings.smtp_tls or (
            "tls" if settings.smtp_port == TLS_PORT else "starttls"
        )
        self._tls = _tls_context(settings)

    def check(self, address: str) -> None:
        check_email(address, "target.address")

    def freeze(self, message: Message, target: Target) -> Frozen:
        return self._layout.freeze(message, target)

    async def send(self, parcel: Parcel) -> Outcome:
        client = self._client()
        try:
            async with asyncio.timeout(SIGN_IN_SECONDS):
                await self._sign_in(client)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            client.close()
            return Outcome(Verdict.HELD, f"The mail server cannot be used: {_told(error)}")
        try:
            return await self._submitted(client, parcel)
        finally:
            await _leave(client)

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._settings.smtp_host,
            port=self._settings.smtp_port,
            use_tls=self._security == "tls",
            start_tls=self._security == "starttls",
            tls_context=None if self._security == "none" else self._tls,
            timeout=SUBMIT_SECONDS,
            # Given, because looking the own name up can block for seconds.
            local_hostname=socket.gethostname(),
        )

    async def _sign_in(self, client: aiosmtplib.SMTP) -> None:
        await client.connect()
        if self._settings.smtp_user:
            password = self._settings.smtp_pass
            await client.login(
                self._settings.smtp_user, password.get_secret_value() if password else ""
            )

    async def _submitted(self, client: aiosmtplib.SMTP, parcel: Parcel) -> Outcome:
        mail = self._letterhead.written(parcel)
        try:
            async with asyncio.timeout(SUBMIT_SECONDS):
                _, said = await client.sendmail(
                    self._letterhead.sender, parcel.address, mail.as_bytes()
                )
        except TimeoutError:
            return Outcome(Verdict.LATER, "No answer in time", at_least=SLOW_DOWN)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _outcome_of(error.recipients[0])
        except aiosmtplib.SMTPResponseException as error:
            return _outcome_of(error)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Outcome(Verdict.LATER, _told(error))
        return Outcome(Verdict.DELIVERED, one_line(f"{QUEUED} {said}", LARGEST_ANSWER), QUEUED)


def _outcome_of(error: aiosmtplib.SMTPResponseException) -> Outcome:
    told = _told(error)
    # That the relay does not want the sender says nothing about the recipient.
    sender_refused = isinstance(error, aiosmtplib.SMTPSenderRefused) and error.code >= PERMANENT
    if error.code == CLOSING or sender_refused:
        return Outcome(Verdict.HELD, told, error.code)
    if error.code >= PERMANENT:
        return Outcome(Verdict.REFUSED, told, error.code)
    return Outcome(Verdict.LATER, told, error.code, GREYLISTED)


async def _leave(client: aiosmtplib.SMTP) -> None:
    with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(1):
            await client.quit()
    client.close()


def _tls_context(settings: NotifierSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.smtp_tls_ca)
    except OSError as error:
        raise CannotStart(f"SMTP_TLS_CA={settings.smtp_tls_ca} cannot be read: {error}") from error


def _told(error: Exception) -> str:
    said = " ".join(str(each) for each in error.args) or type(error).__name__
    if isinstance(error, aiosmtplib.SMTPResponseException):
        said = f"{error.code} {error.message}"
    return one_line(said, LARGEST_ANSWER)
