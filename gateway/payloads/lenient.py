"""Executions out of what HighLevel and hand-written requests send: take what makes sense."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from gateway.payloads import keys
from gateway.payloads.moments import moment
from gateway.payloads.problems import StatusMissing, StatusUnknown
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import timestamp

T = TypeVar("T")

STATUSES = {
    "success": pb.EXECUTION_STATUS_SUCCESS,
    "failed": pb.EXECUTION_STATUS_FAILED,
    "partial": pb.EXECUTION_STATUS_PARTIAL,
    "started": pb.EXECUTION_STATUS_STARTED,
}
LONGEST_TIME_MS = 31_536_000_000
LONGEST_NAME = 300
LONGEST_ID = 200
LONGEST_MESSAGE = 9 * 1024
"""A little more than ingestion keeps, so that ingestion still sees that it must cut."""

# How the fields are spelled, the first one first.
STATUS = ("status",)
LOCATION_ID = "locationId", "location_id"
WORKFLOW_ID = "workflowId", "workflow_id"
WORKFLOW_NAME = "workflowName", "workflow_name"
RUN_ID = "runId", "run_id", "executionId", "execution_id"
WEBHOOK_ID = "webhookId", "webhook_id"
FAILED_ACTION_ID = "failedActionId", "failed_action_id"
FAILED_ACTION_NAME = "failedActionName", "failed_action_name"
ERROR_MESSAGE = "errorMessage", "error_message"
EXECUTION_TIME_MS = "executionTimeMs", "execution_time_ms"
EXECUTED_AT = "executedAt", "executed_at"
CONTACT_ID = "contactId", "contact_id"

_MERGE_FIELD = re.compile(r"\{\{[^{}]*\}\}")
"""What HighLevel sends when it had nothing to fill in."""
LONGEST_NUMBER = 15
_NUMBER = re.compile(rf"[0-9]{{1,{LONGEST_NUMBER}}}(\.[0-9]*)?([eE][+-]?[0-9]{{1,3}})?")


class Body:
    """A webhook's body: our fields at its root or in `customData`, HighLevel's around them.

    Of several values of a field the first that can be read is taken, the root's
    before the custom data's. What cannot be read is left out.
    """

    def __init__(self, sent: Mapping[str, Any]) -> None:
        self._sent = sent
        self._places = [sent]
        for name in ("customData", "custom_data"):
            if isinstance(inner := sent.get(name), dict):
                self._places.append(inner)

    def location_id(self) -> str | None:
        """Gives the location the body speaks of."""
        return self._inside("location", "id") or self._first(_id, LOCATION_ID)

    def workflow_id(self) -> str | None:
        """Gives the workflow the body speaks of."""
        return self._inside("workflow", "id") or self._first(_id, WORKFLOW_ID)

    def execution(self, header_key: str | None) -> pb.Execution:
        """Gives the execution, still without location and workflow.

        Raises `StatusMissing` or `StatusUnknown`: only the status loses its meaning.
        """
        run_id = self._first(_id, RUN_ID)
        webhook_id = self._first(_id, WEBHOOK_ID)
        return pb.Execution(
            status=self._status(),
            workflow_name=_cut(self._workflow_name(), LONGEST_NAME),
            failed_action_id=_cut(self._first(_text, FAILED_ACTION_ID), LONGEST_ID),
            failed_action_name=_cut(self._first(_text, FAILED_ACTION_NAME), LONGEST_NAME),
            error_message=_cut(self._first(_message, ERROR_MESSAGE), LONGEST_MESSAGE),
            execution_time_ms=self._first(_milliseconds, EXECUTION_TIME_MS),
            executed_at=timestamp(self._first(moment, EXECUTED_AT)),
            run_id=_cut(run_id, LONGEST_ID),
            idempotency_key=keys.chosen([run_id, webhook_id, header_key]),
            source=pb.EXECUTION_SOURCE_WEBHOOK,
            contact_id=_cut(self._contact_id(), LONGEST_ID),
        )

    def _status(self) -> pb.ExecutionStatus.ValueType:
        # HighLevel's opportunities have a status of their own at the root: "open".
        if status := self._first(_status, STATUS):
            return status
        given = self._first(_is_given, STATUS)
        raise StatusUnknown.at("status") if given else StatusMissing.at("status")

    def _workflow_name(self) -> str | None:
        given = self._first(_text, WORKFLOW_NAME)
        return given or self._inside("workflow", "name")

    def _first(self, read: Callable[[Any], T | None], names: Sequence[str]) -> T | None:
        for place in self._places:
            for name in names:
                value = place.get(name)
                if value is not None and (found := read(value)) is not None:
                    return found
        return None

    def _contact_id(self) -> str | None:
        given = self._first(_id, CONTACT_ID)
        return given or self._inside("contact", "id")

    def _inside(self, name: str, field: str) -> str | None:
        found = self._sent.get(name)
        return _id(found.get(field)) if isinstance(found, dict) else None


class SignedBody(Body):
    """The body of a marketplace app's webhook; a custom action has its form in `data`.

    What a webhook is about is read only where HighLevel itself writes it, at the root and in
    `extras`: in `data` and in the custom data stands what somebody typed.
    """

    def __init__(self, sent: Mapping[str, Any]) -> None:
        super().__init__(sent)
        if isinstance(form := sent.get("data"), dict):
            self._places.append(form)

    def location_ids(self) -> set[str]:
        """Gives every location the body speaks of."""
        return self._named("location", LOCATION_ID)

    def workflow_ids(self) -> set[str]:
        """Gives every workflow the body speaks of."""
        return self._named("workflow", WORKFLOW_ID)

    def webhook_id(self) -> str | None:
        """Gives the id of the delivery."""
        return self._first(_id, WEBHOOK_ID)

    def signed_at(self) -> datetime | None:
        """Gives when it was sent, or else when the run ended."""
        return self._first(moment, ("timestamp",)) or self._first(moment, EXECUTED_AT)

    def _named(self, thing: str, names: Sequence[str]) -> set[str]:
        found = {self._inside(thing, "id"), self._inside("extras", names[0])}
        found |= {_id(self._sent.get(name)) for name in names}
        return {each for each in found if each}

    def _contact_id(self) -> str | None:
        return super()._contact_id() or self._inside("extras", "contactId")


def _text(value: object) -> str | None:
    if isinstance(value, str):
        plain = value.isascii() and "\x00" not in value
        found = value.strip() if plain else _storable(value).strip()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = str(value)
    else:
        return None
    return None if not found or ("{{" in found and _MERGE_FIELD.fullmatch(found)) else found


def _storable(text: str) -> str:
    """PostgreSQL keeps no U+0000, UTF-8 no halves of a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _is_given(value: object) -> bool | None:
    empty = value is None or (isinstance(value, str) and _text(value) is None)
    return None if empty else True


def _status(value: object) -> pb.ExecutionStatus.ValueType | None:
    if isinstance(value, str) and (written_right := STATUSES.get(value)):
        return written_right
    return STATUSES.get((_text(value) or "").lower())


def _id(value: object) -> str | None:
    found = _text(value)
    return found if found and keys.is_filled_in(found) else None


def _message(value: object) -> str | None:
    if isinstance(value, dict | list):
        return _text(json.dumps(value, ensure_ascii=False)) if value else None
    return _text(value)


def _milliseconds(value: object) -> int | None:
    number = _number(value.strip()) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return round(number) if 0 <= number <= LONGEST_TIME_MS else None  # NaN is in no range


def _number(text: str) -> float | None:
    if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER:
        return int(text)  # what almost all of them are, and the fastest to see
    return float(text) if _NUMBER.fullmatch(text) else None


def _cut(found: str | None, longest: int) -> str:
    return (found or "")[:longest]
