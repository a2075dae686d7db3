"""Rules on steps that wait."""

from collections.abc import Iterator, Mapping

from services.scheduler.domain.definition import Step, values
from services.scheduler.domain.definition.vocabulary import SENDS
from services.scheduler.domain.evidence import Evidence, LocationEvidence, WorkflowEvidence
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules.rule import Sighting, at, definition_of, live_steps, rule

EVENTS = frozenset({"reply", "condition", "email_event", "trigger_link", "link_clicked"})
CONDITION = "condition"
SAYS_NOTHING = values.words(
    """
    type name cat isHybridAction hybridActionType convertToMultipath transitions startAfter
    windowCondition __name__ __customInputs__ description
    """
)
TIMES_OUT = ("timeout", "time out", "time_out", "timed out")


@rule(
    "GHL221",
    "Wait for an event without timeout",
    severity=Severity.WARNING,
    penalty=18,
    needs={Evidence.DEFINITION},
    remedy="Set a timeout, and decide what happens to the contacts who run into it.",
    basis="Contacts for whom the event never comes stay in the step for ever.",
)
def no_timeout(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """A step waits for a reply, a condition, an e-mail event or a link, and has no timeout.

    Critical, and half as many points more, when a message follows that then never goes out; for a
    condition, which may be meant as a gate, it stays a warning.
    """
    definition = definition_of(workflow)
    for n, step in live_steps(workflow):
        awaited = _awaited(step)
        if awaited not in EVENTS or _may_time_out(step):
            continue
        after = definition.graph.after([n])
        sends = any(definition.steps[each].type in SENDS for each in after)
        if sends and awaited != CONDITION:
            yield at(
                step,
                f"waits for {awaited} without a timeout, and messages follow it.",
                severity=Severity.CRITICAL,
                penalty=27,
            )
        else:
            yield at(step, f"waits for {awaited} without a timeout.")


@rule(
    "GHL222",
    "Wait step that does not wait",
    severity=Severity.CRITICAL,
    penalty=40,
    needs={Evidence.DEFINITION},
    remedy="Enter the duration; an empty wait lets all later messages go out at once.",
    basis="HighLevel takes a missing duration for none, and a sequence of days goes out in seconds.",
)
def no_duration(workflow: WorkflowEvidence, _location: LocationEvidence) -> Iterator[Sighting]:
    """A wait for a time has no duration, or one that is no number or not above zero.

    Not where it waits for a window or a date instead, or holds settings we do not know.
    """
    for _, step in live_steps(workflow):
        if _awaited(step) == "time" and (wrong := _wrong_duration(step)):
            yield at(step, wrong)


def _awaited(step: Step) -> str:
    return values.name(step.settings.get("type")) if step.type == "wait" else ""


def _may_time_out(step: Step) -> bool:
    """Says whether a wait has a way on without the event; several ways may be that."""
    settings = step.settings
    if len(set(step.leads_to) | set(step.declared)) > 1:
        return True
    if _positive(settings.get("startAfter")):
        return True
    return any(
        any(word in f"{key} {text}".lower() for word in TIMES_OUT)
        for key, text in values.strings(settings)
    ) or any(
        "timeout" in key.lower().replace("_", "") and value not in (False, None, "", 0)
        for key, value in settings.items()
    )


def _positive(duration: object) -> bool:
    if not isinstance(duration, Mapping):
        return False
    amount = values.number(duration.get("value"))
    return (amount is not None and amount > 0) or _spread(duration.get("distributed"))


def _spread(parts: object) -> bool:
    """Says whether a duration told as days, hours and minutes is above zero."""
    if not isinstance(parts, Mapping):
        return False
    return any((values.number(each) or 0) > 0 for each in parts.values())


def _wrong_duration(step: Step) -> str:
    if step.attributes is None or any(
        not values.blank(value) for key, value in step.attributes.items() if key not in SAYS_NOTHING
    ):
        return ""
    duration = step.attributes.get("startAfter")
    if values.blank(duration):
        return "waits for a time, and the time is missing."
    if not isinstance(duration, Mapping) or _positive(duration):
        return ""
    return _wrong_amount(duration.get("value"))


def _wrong_amount(amount: object) -> str:
    if values.blank(amount):
        return "waits for a time, and its length is missing."
    if isinstance(amount, str) and ("{{" in amount or ":" in amount):
        return ""
    if values.number(amount) is None and not isinstance(amount, str):
        return ""
    return f"waits for “{values.name(amount)}”, which is no length of time."
