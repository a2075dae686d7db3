"""Reads and writes the targets of a location."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from libs import problems
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import timestamp
from services.notifier.domain import wishes
from services.notifier.domain.event import Severity
from services.notifier.domain.sms_account import SmsAccount
from services.notifier.domain.target import Channel, Target, TargetNotFound
from services.notifier.domain.text import one_line
from services.notifier.domain.wishes import Wishes
from services.notifier.translate import fields
from services.notifier.translate.lists import SEVERITIES
from services.notifier.translate.settings import UpdateMaskEmpty, UpdateMaskUnknownField

LONGEST_NAME = 80
LONGEST_ADDRESS = 4096
SHOWN_WHOLE = (Channel.EMAIL, Channel.SMS)
_FLOORS = {theirs: ours for ours, theirs in SEVERITIES.items()}


class ChannelUnknown(problems.InvalidRequest):
    """A target needs a channel: email, webhook, slack, discord or sms."""

    reason = "CHANNEL_UNKNOWN"


def which_from(location_id: str, target_id: str) -> tuple[str, str]:
    """Reads which target a request is about; one of the whole installation has no location."""
    location_id = fields.location_id(location_id) if location_id else ""
    if not fields.is_id(target_id):
        raise TargetNotFound(target_id=target_id)
    return location_id, target_id


def channel_from(given: str) -> Channel:
    """Reads how a new target is reached."""
    try:
        return Channel(given)
    except ValueError as error:
        raise ChannelUnknown.at("target.channel") from error


def wishes_from(request: pb.UpsertTargetRequest) -> Wishes:
    """Reads what is wished of a target: all of a new one, of another what the mask names."""
    paths = list(request.update_mask.paths)
    if not request.target.target_id and not paths:
        paths = [path for path in _READ if path != "enabled" or request.target.HasField("enabled")]
    if not paths:
        raise UpdateMaskEmpty.at("update_mask")
    unknown = [path for path in paths if path not in _READ]
    if unknown:
        message = f"{unknown[0][:80]!r} cannot be changed; these can: {', '.join(_READ)}."
        raise UpdateMaskUnknownField.at("update_mask", message)
    return {_OURS.get(path, path): _READ[path](request.target) for path in paths}


def target_to(target: Target, now: datetime) -> pb.Target:
    health = target.health
    old_until = target.old_secret_until
    return pb.Target(
        target_id=target.target_id,
        location_id=target.location_id,
        origin=target.origin,
        channel=target.channel,
        address=target.address if target.channel in SHOWN_WHOLE else target.masked,
        name=target.name,
        severity_floor=SEVERITIES[target.floor],
        occasions=target.occasions,
        digest=target.digest,
        fallback_target_id=target.fallback_target_id or "",
        body_template=target.body_template,
        enabled=not target.disabled,
        disabled_because=target.disabled_because,
        disabled_at=timestamp(target.disabled_at),
        verified_at=timestamp(target.verified_at),
        failing_since=timestamp(health.failing_since),
        failures=health.failures,
        last_error=health.last_error,
        last_delivered_at=timestamp(health.last_delivered_at),
        old_secret_until=timestamp(old_until if old_until and old_until > now else None),
        created_at=timestamp(target.created_at),
        sms=_sms_to(target, now) if target.channel is Channel.SMS else None,
    )


def _sms_to(target: Target, now: datetime) -> pb.SmsAccount:
    return pb.SmsAccount(
        account_sid=target.options.get("account", ""),
        sender=target.options.get("sender", ""),
        monthly_cap=target.monthly_cap,
        sent_this_month=target.sent_in(now),
    )


def _sms_from(target: pb.Target) -> SmsAccount:
    given = target.sms
    return SmsAccount(given.account_sid, given.auth_token, given.sender, given.monthly_cap)


_OURS = {"severity_floor": "floor"}
_READ: Mapping[str, Callable[[pb.Target], Any]] = {
    "address": lambda target: target.address[:LONGEST_ADDRESS],
    "name": lambda target: one_line(target.name, LONGEST_NAME),
    "severity_floor": lambda target: _FLOORS.get(target.severity_floor, Severity.INFO),
    "occasions": lambda target: wishes.occasions(tuple(target.occasions)),
    "digest": lambda target: wishes.digest(target.digest),
    "fallback_target_id": lambda target: fields.name(target.fallback_target_id) or None,
    "body_template": lambda target: target.body_template,
    "sms": lambda target: _sms_from(target) if target.HasField("sms") else None,
    "enabled": lambda target: target.enabled or not target.HasField("enabled"),
}
