"""Reads and writes the settings of a location."""

from libs import problems
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import timestamp
from services.notifier.domain.settings import AlertSettings, Change

CHANGEABLE = (
    "enabled",
    "failure_threshold",
    "time_window_hours",
    "alert_on_critical",
    "alert_email",
    "webhook_url",
)


class UpdateMaskEmpty(problems.InvalidRequest):
    """Name at least one field to change in update_mask."""

    reason = "UPDATE_MASK_EMPTY"


class UpdateMaskUnknownField(problems.InvalidRequest):
    """The update_mask may name only fields that can be changed."""

    reason = "UPDATE_MASK_UNKNOWN_FIELD"


def change_from(request: pb.UpdateAlertSettingsRequest) -> Change:
    """Reads what is to be changed; None stands for what is cleared."""
    paths = list(request.update_mask.paths)
    if not paths:
        raise UpdateMaskEmpty.at("update_mask")
    unknown = [path for path in paths if path not in CHANGEABLE]
    if unknown:
        known = ", ".join(CHANGEABLE)
        message = f"{unknown[0][:80]!r} cannot be changed; these can: {known}."
        raise UpdateMaskUnknownField.at("update_mask", message)
    return {path: _value(request.settings, path) for path in paths}


def settings_to(settings: AlertSettings) -> pb.AlertSettings:
    return pb.AlertSettings(
        location_id=settings.location_id,
        enabled=settings.enabled,
        failure_threshold=settings.failure_threshold,
        time_window_hours=settings.time_window_hours,
        alert_on_critical=settings.alert_on_critical,
        alert_email=settings.alert_email,
        webhook_url=settings.webhook_url,
        configured=settings.configured,
        etag=settings.etag,
        created_at=timestamp(settings.created_at),
        updated_at=timestamp(settings.updated_at),
    )


def effective_to(settings: AlertSettings) -> pb.EffectiveSettings:
    return pb.EffectiveSettings(
        location_id=settings.location_id,
        enabled=settings.enabled,
        failure_threshold=settings.failure_threshold,
        time_window_hours=settings.time_window_hours,
        updated_at=timestamp(settings.updated_at),
    )


def _value(settings: pb.AlertSettings, path: str) -> object:
    if not settings.HasField(path):  # type: ignore[arg-type]
        return None
    value: object = getattr(settings, path)
    # An address that is empty is none; forms send it so.
    return None if value == "" else value
