"""The fields of an execution under all their spellings, and what is wrong with them."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.payloads import problems
from libs.problems import FieldError, InvalidRequest

_SPELLINGS = {
    "status": "status",
    "workflowId": "workflow_id",
    "workflowName": "workflow_name",
    "locationId": "location_id",
    "failedActionId": "failed_action_id",
    "failedActionName": "failed_action_name",
    "errorMessage": "error_message",
    "executionTimeMs": "execution_time_ms",
    "executedAt": "executed_at",
    "runId": "run_id",
    "executionId": "execution_id",
    "webhookId": "webhook_id",
    "contactId": "contact_id",
    "workflow.id": "workflow_id",
    "workflow.name": "workflow_name",
    "location.id": "location_id",
    "location.name": "location_name",
}
_NAMES = _SPELLINGS | {name: name for name in _SPELLINGS.values()}
_OBJECTS = ("workflow", "location")


class Fields:
    """What one execution says, by our names; collects what is wrong instead of stopping at it."""

    def __init__(self, sent: Mapping[str, Any]) -> None:
        self._wrong: list[tuple[type[InvalidRequest], FieldError]] = []
        self._given: dict[str, Any] = {}
        for spelling, value in _flat(sent):
            self._take(spelling, value)

    def refuse(self, kind: type[InvalidRequest], name: str, message: str | None = None) -> None:
        """Notes that a field is wrong; without a message the problem's own says how."""
        self._wrong.append((kind, FieldError(name, message or (kind.__doc__ or "").strip())))

    def value(self, name: str) -> Any:
        """Gives the value as it was sent; null is the same as nothing."""
        return self._given.get(name)

    def text(self, name: str, longest: int) -> str:
        """Gives a text; empty when there is none or when it is wrong."""
        value = self._given.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or not _can_be_kept(value):
            self.refuse(problems.FieldMalformed, name, "The field must be a text.")
            return ""
        if len(value) > longest:
            self.refuse(problems.FieldTooLong, name, f"At most {longest} characters are allowed.")
            return ""
        return value

    def check(self) -> None:
        """Raises the problem of the first wrong field, with all of them in it."""
        if not self._wrong:
            return
        (kind, first), *others = self._wrong
        where = "" if first.field in first.message else f"`{first.field}`: "
        more = f" ({len(others)} more in `errors`)" if others else ""
        raise kind(f"{where}{first.message}{more}", fields=[each for _, each in self._wrong])

    def _take(self, spelling: str, value: Any) -> None:
        name = _NAMES.get(spelling)
        if name is None:
            self.refuse(problems.UnknownField, spelling[:100])
        elif name in self._given:
            self.refuse(problems.FieldTwice, spelling)
        else:
            self._given[name] = value


def _flat(sent: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for spelling, value in sent.items():
        if spelling in _OBJECTS and isinstance(value, dict):
            yield from ((f"{spelling}.{inner}", each) for inner, each in value.items())
        else:
            yield spelling, value


def _can_be_kept(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= each <= "\udfff" for each in text)
