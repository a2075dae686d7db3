"""Rules on what a workflow says to contacts."""

import re
from collections.abc import Iterator

from services.scheduler.domain.definition import Definition, Step, values
from services.scheduler.domain.definition.messages import said_by
from services.scheduler.domain.definition.vocabulary import (
    CONVERSATIONAL,
    SENDS,
    TRANSACTIONAL_TRIGGERS,
    TRIGGER_TYPES,
)
from services.scheduler.domain.evidence import Evidence, LocationEvidence, WorkflowEvidence
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules.rule import (
    Lacks,
    Sighting,
    at,
    definition_of,
    is_published,
    live_steps,
    rule,
    triggers_of,
    whole_graph_of,
)

FEWEST_SENDS = 3
_TAGS = re.compile(r"<[^<>]*>")
_PLACEHOLDERS = (
    re.compile(r"\blorem ipsum\b", re.IGNORECASE),
    re.compile(r"(?:\[|\{|\(|<)TODO\b|\bTODO:|//\s*TODO\b"),
    re.compile(r"\bTBD\b"),
    re.compile(
        r"\[\s*(?:YOUR |FIRST |LAST |BUSINESS |COMPANY |CLIENT |CUSTOMER |AGENT )?"
        r"(?:NAME|LINK|URL|DATE|TIME|PHONE|EMAIL|ADDRESS|NOMBRE|ENLACE|FECHA|NOME|DATA|NOM|LIEN"
        r"|VORNAME|DATUM|NAAM)(?: HERE)?\s*\]"
    ),
    re.compile(r"(?:<|\[|\()\s*insert\s+\w+", re.IGNORECASE),
    re.compile(r"\b[xX]{3}[-. ][xX]{3,4}\b|\b[xX]{5,}\b"),
    re.compile(r"(?:@|\bwww\.|://)example\.com\b", re.IGNORECASE),
)
_WITH_MARKUP = (_PLACEHOLDERS[-1], re.compile(r"<\s*insert\s+\w+", re.IGNORECASE))
_OPT_OUT = re.compile(
    r"\bstop\b|\bopt[ -]?out\b|\bunsubscribe\b|\bend\b.{0,20}\btext|\bbaja\b|\bdetener\b|\barr[eê]t\b"
    r"|\bcancelar\b|\bab(?:be)?(?:melden|stellen)\b|\bd[ée]s(?:abonn|inscri)|\bafmelden\b"
    r"|\buitschrijven\b|\bdisiscriv|\bannulla\b|\bsair\b",
    re.IGNORECASE,
)


@rule(
    "GHL228",
    "Placeholder text in a live message",
    severity=Severity.WARNING,
    penalty=10,
    needs={Evidence.DEFINITION},
    remedy="Replace the placeholder before the next message goes out.",
    consults={Evidence.METADATA},
    basis="It goes out to every contact exactly as it stands there.",
)
def placeholder(workflow: WorkflowEvidence, _location: LocationEvidence) -> Iterator[Sighting]:
    """A message of a published workflow says lorem ipsum, TODO:, TBD, [NAME], xxx-xxx or the like."""
    found = [
        (step, part, text)
        for _, step in live_steps(workflow)
        if step.type in SENDS
        for part, whole in said_by(step)
        if (text := _placeholder_in(whole))
    ]
    if found and is_published(workflow):
        for step, part, text in found:
            yield at(step, f"says “{text[:40]}” in its {part}.")


@rule(
    "GHL231",
    "Outreach does not stop on reply",
    severity=Severity.WARNING,
    penalty=10,
    needs={Evidence.DEFINITION},
    remedy="Turn on Stop on Response, or take contacts who reply out by another workflow.",
    consults={Evidence.LOCATION},
    basis="A contact who has answered and still gets the next text feels unheard.",
)
def does_not_stop(workflow: WorkflowEvidence, location: LocationEvidence) -> Iterator[Sighting]:
    """Stop on Response is off, and 3 messages or more stand on one way, with waits between.

    At least one of them an SMS or a chat. Not for appointments and other transactions, nor where
    the workflow asks for a reply between them, has a goal, or another one takes contacts out who
    reply.
    """
    definition = definition_of(workflow)
    if definition.settings.stop_on_response is not False or _has_goal(definition):
        return
    sends = [int(each.type in SENDS) for each in definition.steps]
    most = _most_in_a_row(definition, sends) if sum(sends) >= FEWEST_SENDS else 0
    waits = any(each.type in {"wait", "drip"} for each in definition.steps)
    chats = any(each.type in CONVERSATIONAL for each in definition.steps)
    if most < FEWEST_SENDS or not (waits and chats) or _is_transactional(workflow):
        return
    if not whole_graph_of(location).stopped_on_reply(workflow.workflow_id):
        yield Sighting(
            evidence=f"Up to {most} messages go out one after the other, Stop on Response is off, "
            "and no workflow takes out who replies."
        )


@rule(
    "GHL232",
    "First SMS has no opt-out text",
    severity=Severity.INFO,
    penalty=4,
    needs={Evidence.DEFINITION},
    remedy="Add opt-out wording to the first text of the sequence.",
    basis="Carriers expect it in the first text, and filter senders whose contacts complain.",
)
def no_opt_out(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """An SMS that no other comes before says nothing of how to opt out.

    Not for appointments, payments, replies and other transactions.
    """
    definition = definition_of(workflow)
    texts = [n for n, each in live_steps(workflow) if each.type == "sms"]
    if not texts or _is_transactional(workflow):
        return
    later = definition.graph.after(texts)
    for n in texts:
        step = definition.steps[n]
        said = " ".join(text for _, text in said_by(step))
        if n not in later and said and not _OPT_OUT.search(said):
            yield at(step, "is the first text, and does not say how to opt out.")


def _placeholder_in(text: str) -> str:
    if "<" in text:
        marked = next((found[0] for each in _WITH_MARKUP if (found := each.search(text))), "")
        if marked:
            return marked
        text = _TAGS.sub(" ", text)
    return next((found[0] for each in _PLACEHOLDERS if (found := each.search(text))), "")


def _is_transactional(workflow: WorkflowEvidence) -> bool:
    """Says whether some trigger is, or may be, about something the contact did."""
    types = {each.type for each in triggers_of(workflow)}
    if not types:
        raise Lacks("what starts it")
    return bool(types & TRANSACTIONAL_TRIGGERS or types - TRIGGER_TYPES)


def _has_goal(definition: Definition) -> bool:
    return any(each.type == "workflow_goal" for each in definition.steps)


def _most_in_a_row(definition: Definition, sends: list[int]) -> int:
    """Counts the messages that go out while nothing asks whether the contact has replied."""
    asking = [n for n, each in enumerate(definition.steps) if _asks_for_reply(each)]
    return definition.graph.heaviest_way(sends, ends=asking)


def _asks_for_reply(step: Step) -> bool:
    if step.type == "if_else":
        asked = values.strings(step.settings.get("branches"))
        return any("repl" in text.lower() for key, text in asked if key.startswith("condition"))
    return step.type == "wait" and values.name(step.settings.get("type")) in {"reply", "condition"}
