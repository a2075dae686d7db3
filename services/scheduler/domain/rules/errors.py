"""Rules on what the runs of a workflow fail with."""

import re
from collections.abc import Collection, Iterator

from services.scheduler.domain.evidence import (
    ErrorClassCount,
    Evidence,
    LocationEvidence,
    RunHistory,
    WorkflowEvidence,
)
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules.rule import (
    MOST_EXECUTIONS,
    Gap,
    Lacks,
    Sighting,
    rule,
    runs_of,
)

FEWEST_AUTH_FAILURES = 2
FEWEST_SENDER_FAILURES = 1
FEWEST = 3
SHARE_FILTERED = 0.02
SHARE_BOUNCED = 0.05
SHARE_OF_CONTACTS = 0.10
SHARE_REMOTE = 0.01
LONGEST_SAMPLE = 200
_GONE = re.compile(r"\b(404|410)\b")


@rule(
    "GHL404",
    "Connection or token expired",
    severity=Severity.CRITICAL,
    penalty=35,
    needs={Evidence.RUNS},
    remedy="Reconnect the integration the step uses, or renew its key.",
    basis="An expired token fails for every contact until a person renews it.",
)
def connection_expired(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """At least 2 runs of the last 7 days failed with an error of class AUTH."""
    yield from _errors_of_class("AUTH", FEWEST_AUTH_FAILURES, runs_of(workflow))


@rule(
    "GHL405",
    "Phone number cannot send",
    severity=Severity.CRITICAL,
    penalty=35,
    needs={Evidence.RUNS},
    remedy="Finish the A2P or toll-free registration, or choose a number that can send SMS.",
    basis="Carriers refuse all texts of a number that is not registered, whoever they are for.",
)
def sender_refused(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """At least 1 run of the last 7 days failed with an error of class SMS_SENDER."""
    yield from _errors_of_class("SMS_SENDER", FEWEST_SENDER_FAILURES, runs_of(workflow))


@rule(
    "GHL406",
    "Messages filtered or refused",
    severity=Severity.WARNING,
    penalty=20,
    needs={Evidence.RUNS},
    remedy="Check the content, the opt-in, and the sending domain (SPF, DKIM, DMARC).",
    basis="Filtered and bounced messages hurt the sender's standing, and then the rest go too.",
)
def messages_refused(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """At least 3 runs of the last 7 days had a message that a carrier or mail server refused.

    SMS_FILTERED counts from 2 % of the runs, EMAIL_BOUNCE from 5 %, EMAIL_AUTH always.
    """
    history = runs_of(workflow)
    yield from _errors_of_share("SMS_FILTERED", SHARE_FILTERED, history)
    yield from _errors_of_share("EMAIL_BOUNCE", SHARE_BOUNCED, history)
    yield from _errors_of_share("EMAIL_AUTH", 0, history)


@rule(
    "GHL407",
    "Bad contact data stops steps",
    severity=Severity.WARNING,
    penalty=8,
    needs={Evidence.RUNS},
    remedy="Check numbers and addresses where contacts come in, and branch those without them.",
    basis="HighLevel checks a number only when it sends to it, which is too late for the contact.",
)
def contact_data_bad(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """10 % of the runs of the last 7 days, at least 3, failed with an error of class CONTACT_DATA."""
    yield from _errors_of_share("CONTACT_DATA", SHARE_OF_CONTACTS, runs_of(workflow))


@rule(
    "GHL408",
    "Remote endpoint fails",
    severity=Severity.WARNING,
    penalty=15,
    needs={Evidence.RUNS},
    remedy="Repair the receiving endpoint or slow down before it, with Drip Mode for instance.",
    basis="A webhook step whose receiver fails is skipped, and the contact goes on without it.",
)
def remote_fails(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """At least 3 failures in 7 days, and 1 % of the runs, are of class HTTP_REMOTE or RATE_LIMIT.

    An answer 404 or 410 counts double: that address will not come back by itself.
    """
    history = runs_of(workflow)
    total = _runs_of_7_days(history)
    found = [each for each in history.error_classes if _weight(each)]
    failures = sum(each.count * _weight(each) for each in found)
    if failures >= FEWEST and failures >= SHARE_REMOTE * total:
        worst = max(found, key=lambda each: each.count * _weight(each))
        yield Sighting(
            evidence=f"{sum(each.count for each in found)} of the {total} runs of the last 7 days "
            f"failed at a remote endpoint ({_classes(found)}){_quoted(worst)}.",
            execution_ids=worst.execution_ids[:MOST_EXECUTIONS],
        )


def _errors_of_class(name: str, fewest: int, history: RunHistory) -> Iterator[Sighting]:
    _runs_of_7_days(history)
    for errors in history.error_classes:
        if errors.error_class == name and errors.count >= fewest:
            yield _sighted(errors)


def _sighted(errors: ErrorClassCount) -> Sighting:
    runs = "1 run" if errors.count == 1 else f"{errors.count} runs"
    return Sighting(
        evidence=f"{runs} of the last 7 days failed with an error of class "
        f"{errors.error_class}{_quoted(errors)}.",
        occurrences=errors.count,
        execution_ids=errors.execution_ids[:MOST_EXECUTIONS],
    )


def _errors_of_share(name: str, share: float, history: RunHistory) -> Iterator[Sighting]:
    """Sees a class of errors once: how often it occurs is its share, not its weight."""
    total = _runs_of_7_days(history)
    for errors in history.error_classes:
        if errors.error_class == name and errors.count >= max(FEWEST, share * total):
            yield Sighting(
                evidence=f"{errors.count} of the {total} runs of the last 7 days failed with an "
                f"error of class {name}{_quoted(errors)}.",
                place=name,
                execution_ids=errors.execution_ids[:MOST_EXECUTIONS],
            )


def _runs_of_7_days(history: RunHistory) -> int:
    if not history.last_7_days.total:
        raise Lacks("runs within 7 days", Gap.RUNS)
    return history.last_7_days.total


def _weight(errors: ErrorClassCount) -> int:
    if errors.error_class == "NOT_FOUND":
        return 2 if _GONE.search(errors.sample_message) else 0
    return 1 if errors.error_class in {"HTTP_REMOTE", "RATE_LIMIT"} else 0


def _classes(found: Collection[ErrorClassCount]) -> str:
    return ", ".join(f"{each.count} {each.error_class}" for each in found)


def _quoted(errors: ErrorClassCount) -> str:
    sample = errors.sample_message.strip()[:LONGEST_SAMPLE]
    return f", most recently: “{sample}”" if sample else ""
