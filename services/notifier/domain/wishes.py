"""What people may change of a target, and within which limits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from libs import problems
from services.notifier.domain import template
from services.notifier.domain.digest import Digest
from services.notifier.domain.message import Occasion
from services.notifier.domain.sms_account import SmsAccountMalformed
from services.notifier.domain.target import SWITCHED_OFF, Channel, Target

LISTED = (Occasion.OPENED, Occasion.REMINDER, Occasion.UPDATE, Occasion.RESOLVED, Occasion.SUMMARY)
"""What a target can do without; news of targets themselves always arrives."""

Wishes: TypeAlias = Mapping[str, Any]
"""New values by name."""


class OccasionUnknown(problems.InvalidRequest):
    """The occasions are opened, reminder, update, resolved and summary."""

    reason = "OCCASION_UNKNOWN"


class DigestUnknown(problems.InvalidRequest):
    """The digest is off, daily or weekly."""

    reason = "DIGEST_UNKNOWN"


class FallbackNotFound(problems.InvalidRequest):
    """The fallback must be another target of the same location."""

    reason = "FALLBACK_NOT_FOUND"


def occasions(given: tuple[str, ...]) -> tuple[Occasion, ...]:
    """Reads what a target wants to hear."""
    unknown = [each for each in given if each not in LISTED]
    if unknown:
        raise OccasionUnknown.at("target.occasions", f"{unknown[0][:80]!r} is no occasion.")
    return tuple(Occasion(each) for each in dict.fromkeys(given))


def digest(given: str) -> Digest:
    """Reads how often a target hears of what is not urgent."""
    try:
        return Digest(given or Digest.OFF)
    except ValueError as error:
        raise DigestUnknown.at("target.digest") from error


def wished(target: Target, wishes: Wishes) -> Target:
    """Gives the target as it is wished, checked; whether its fallback exists the store knows."""
    values = dict(wishes)
    if values.get("body_template"):
        if target.channel is not Channel.WEBHOOK:
            message = "Only webhooks have a body of your own."
            raise template.TemplateMalformed.at("target.body_template", message)
        template.check(values["body_template"], "target.body_template")
    if account := values.pop("sms", None):
        if target.channel is not Channel.SMS:
            raise SmsAccountMalformed.at("target.sms", "Only SMS have an account.")
        values["options"] = account.options(target.options)
    elif target.channel is Channel.SMS and not target.options:
        raise SmsAccountMalformed.at("target.sms")
    if values.get("fallback_target_id") == target.target_id:
        raise FallbackNotFound.at("target.fallback_target_id")
    match values.pop("enabled", None):
        case True:
            values["disabled_because"] = ""
        case False:
            values["disabled_because"] = target.disabled_because or SWITCHED_OFF
    return replace(target, **values)
