"""Alert settings: of the installation, of a location, of a workflow."""

from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Response
from google.protobuf.field_mask_pb2 import FieldMask

from gateway.access import Scope
from gateway.rest import versions
from gateway.rest.changes import Changes
from gateway.rest.models.alert_settings import (
    AlertSettings,
    AlertSettingsBody,
    ChangedAlertSettings,
)
from gateway.rest.openapi import told
from gateway.rest.problems import NothingToChange
from gateway.rest.routes import Back, IfMatch, KeyedRoute, ReadLocation, Who, WriteLocation
from libs.contracts.notifier.v1 import notifier_pb2 as pb

Shown = TypeVar("Shown", bound=AlertSettings)
ADDRESSES = ("alert_email", "webhook_url")
HIDDEN = "…"

router = APIRouter(prefix="/api", tags=["Alerts"], route_class=KeyedRoute)


class Settings:
    """Reads and changes the settings of one level, for one request."""

    def __init__(self, back: Back, caller: Who, changes: Changes, response: Response) -> None:
        self._back = back
        self._hides = caller.location_id is not None
        self._changes = changes
        self._response = response

    async def get(self, request: pb.GetAlertSettingsRequest) -> AlertSettings:
        """Gives what holds there, and its version as `ETag`."""
        with self._back.asking("notifier"):
            found = await self._back.services.notifier.GetAlertSettings(
                request, timeout=self._back.seconds
            )
        versions.show(self._response, found.settings.etag)
        shown = AlertSettings.of(found.settings)
        if found.HasField("inherited"):
            inherited = AlertSettings.of(found.inherited)
            shown = shown.model_copy(update={"inherited": self._seen(inherited)})
        return self._seen(shown)

    async def change(
        self, settings: pb.AlertSettings, body: AlertSettingsBody, if_match: str | None
    ) -> ChangedAlertSettings:
        """Changes the fields that the body has, if the version still fits."""
        if not body.model_fields_set:
            raise NothingToChange
        etag = versions.wanted(if_match)
        request = pb.UpdateAlertSettingsRequest(
            settings=settings,
            update_mask=FieldMask(paths=sorted(body.model_fields_set)),
            etag=etag,
            installation=not settings.location_id,
        )
        with versions.matching(etag), self._back.asking("notifier"):
            changed = await self._back.services.notifier.UpdateAlertSettings(
                request, timeout=self._back.seconds
            )
        subject = settings.workflow_id or settings.location_id or "installation"
        await self._changes.note("alert_settings.changed", subject, settings.location_id or None)
        versions.show(self._response, changed.settings.etag)
        secret = changed.webhook_secret or None
        return self._seen(ChangedAlertSettings.of(changed.settings, webhook_secret=secret))

    def _seen(self, settings: Shown) -> Shown:
        """Hides the agency's own addresses from the key of a location."""
        of_agency = [each for each in ADDRESSES if settings.origins.get(each) == "installation"]
        return settings.model_copy(update=dict.fromkeys(of_agency if self._hides else (), HIDDEN))


Level = Annotated[Settings, Depends()]


@router.get("/alerts/settings")
async def get_alert_settings(level: Level, location_id: ReadLocation) -> AlertSettings:
    """Gives the alert settings that hold for a location, and where each value comes from."""
    return await level.get(pb.GetAlertSettingsRequest(location_id=location_id))


@router.post("/alerts/settings", responses=told(409, 412))
async def change_alert_settings(
    level: Level, location_id: WriteLocation, body: AlertSettingsBody, if_match: IfMatch = None
) -> ChangedAlertSettings:
    """Changes the alert settings of a location: a field not given is kept, null clears it."""
    return await level.change(body.message(location_id), body, if_match)


@router.get("/workflows/{workflow_id}/alerts/settings")
async def get_alert_settings_of_workflow(
    level: Level, location_id: ReadLocation, workflow_id: str
) -> AlertSettings:
    """Gives the alert settings that hold for a workflow, and where each value comes from."""
    return await level.get(
        pb.GetAlertSettingsRequest(location_id=location_id, workflow_id=workflow_id)
    )


@router.post("/workflows/{workflow_id}/alerts/settings", responses=told(409, 412))
async def change_alert_settings_of_workflow(
    level: Level,
    location_id: WriteLocation,
    workflow_id: str,
    body: AlertSettingsBody,
    if_match: IfMatch = None,
) -> ChangedAlertSettings:
    """Changes the alert settings of a workflow: what it does not set, its location decides."""
    return await level.change(body.message(location_id, workflow_id), body, if_match)


@router.get("/alerts/defaults")
async def get_alert_defaults(level: Level, caller: Who) -> AlertSettings:
    """Gives the alert settings of the whole installation. Needs a key of the agency."""
    caller.require_agency(Scope.READ)
    return await level.get(pb.GetAlertSettingsRequest(installation=True))


@router.post("/alerts/defaults", responses=told(409, 412))
async def change_alert_defaults(
    level: Level, caller: Who, body: AlertSettingsBody, if_match: IfMatch = None
) -> ChangedAlertSettings:
    """Changes what holds where a location and its workflows set nothing. Needs a key of the agency.

    The addresses of the installation also hear of what is wrong in many locations at once.
    """
    caller.require_agency(Scope.WRITE)
    return await level.change(body.message(""), body, if_match)
