"""Where alerts go."""

from typing import Annotated, Literal

from pydantic import AwareDatetime

from gateway.rest import wire
from gateway.rest.models.alerts import TestVerdict
from gateway.rest.models.shapes import Answer, Body, examples, words
from libs.contracts.notifier.v1 import notifier_pb2 as pb

SeverityWord = Literal["critical", "warning", "info"]


class SmsBody(Body):
    """An account of Twilio. What is not given stays as it is."""

    account_sid: str = ""
    """AC and 32 hexadecimal digits."""
    auth_token: str = ""
    """The account's token; it is never shown again."""
    sender: str = ""
    """Who the SMS are from: a number, a MessagingServiceSid, or a sender id."""
    monthly_cap: int = 0
    """At most so many SMS in a month (UTC); 200 when not given."""

    def message(self) -> pb.SmsAccount:
        """Gives the message."""
        return pb.SmsAccount(
            account_sid=self.account_sid,
            auth_token=self.auth_token,
            sender=self.sender,
            monthly_cap=wire.int32(self.monthly_cap),
        )


class TargetBody(Body):
    """What is wished of a target. A field that is not given stays as it is; null clears it."""

    model_config = examples({"name": "Night shift", "severityFloor": "critical"})

    address: str | None = None
    """The mail address, the URL, or the telephone number (`+15551234567`)."""
    name: str | None = None
    """What people call it, at most 80 characters."""
    severity_floor: SeverityWord | None = None
    """Only what is at least so severe is sent; null means everything."""
    occasions: list[str] | None = None
    """What is sent: opened, reminder, resolved, summary; null means all."""
    digest: Literal["off", "daily", "weekly"] | None = None
    """How often it hears of what is not urgent, at 08:00; null means off, whenever there is
    something."""
    fallback_target_id: str | None = None
    """The target that is told instead while this one fails."""
    body_template: str | None = None
    """The body of webhooks in place of our own: JSON with placeholders like `$TITLE`."""
    sms: SmsBody | None = None
    """The account that SMS are sent with; a new target of channel sms needs it."""
    enabled: bool | None = None
    """Whether anything is sent here. Default true."""

    def message(self, location_id: str, *, target_id: str = "", channel: str = "") -> pb.Target:
        """Gives the fields that are set, for a location."""
        return pb.Target(
            location_id=location_id,
            target_id=target_id,
            channel=channel,
            address=self.address or "",
            name=self.name or "",
            severity_floor=wire.number(pb.Severity.DESCRIPTOR, self.severity_floor),
            occasions=self.occasions or [],
            digest=self.digest or "",
            fallback_target_id=self.fallback_target_id or "",
            body_template=self.body_template or "",
            sms=self.sms.message() if self.sms else None,
            enabled=self.enabled,
        )


class NewTargetBody(TargetBody):
    """A new target."""

    model_config = examples(
        {"channel": "email", "address": "night@example.com", "severityFloor": "critical"},
        {"channel": "webhook", "address": "https://example.com/hooks/runwarden"},
        {"channel": "slack", "address": "https://hooks.slack.com/services/T0/B0/x"},
    )

    channel: str
    """email, webhook, slack, discord or sms."""


class EnableBody(Body):
    """How to switch a target on."""

    model_config = examples({"replay": True})

    replay: bool = False
    """Whether to send what it missed, in order, with the same ids."""


class SmsAccount(Answer):
    """The account that SMS are sent with; its token is never shown."""

    account_sid: str
    """Only its end."""
    sender: str
    monthly_cap: int
    sent_this_month: int


class Target(Answer):
    """Where alerts go."""

    target_id: str
    location_id: str | None
    """null for one of the whole installation, which hears of what is about many locations."""
    origin: str
    """settings (its address is alert_email or webhook_url) or api."""
    channel: str
    """email, webhook, slack, discord or sms."""
    address: str
    """Of a URL the middle is masked."""
    name: str | None
    severity_floor: Annotated[str, words(pb.Severity.DESCRIPTOR)]
    """Only what is at least so severe is sent."""
    occasions: list[str]
    """What is sent; everything when empty."""
    digest: str
    """off, daily or weekly: how often it hears of what is not urgent."""
    fallback_target_id: str | None
    body_template: str | None
    enabled: bool
    disabled_because: str | None
    disabled_at: AwareDatetime | None
    verified_at: AwareDatetime | None
    """When a test last arrived."""
    failing_since: AwareDatetime | None
    """Null while it works."""
    failures: int
    """Failed attempts since the last success."""
    last_error: str | None
    last_delivered_at: AwareDatetime | None
    old_secret_until: AwareDatetime | None
    """Until when webhooks are signed with the secret before this one as well."""
    sms: SmsAccount | None
    created_at: AwareDatetime


class Targets(Answer):
    """All targets of a location."""

    items: list[Target]


class TargetWithSecret(Target):
    """A target, and what signs its webhooks."""

    webhook_secret: str | None
    """Only here, and never again; null for other channels."""


class VerifiedTarget(Answer):
    """What became of a test, and the target afterwards."""

    verdict: TestVerdict
    target: Target


class EnabledTarget(Target):
    """A target that was switched on."""

    replayed_count: int
    """How many deliveries are sent now that were missed."""
