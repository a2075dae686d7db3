"""The page of rules, written from the rules themselves."""

import inspect
from collections.abc import Iterator, Sequence

from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules.catalogue import RULES
from services.scheduler.domain.rules.coverage import TITLES
from services.scheduler.domain.rules.rule import Rule

FAMILIES = {
    "1": "What happened to a workflow",
    "2": "What its definition says",
    "4": "How its runs end",
}
INTRODUCTION = """# Rules

What a scan looks for. A rule is a pure function of what is known of one workflow and its location;
one that lacks what it needs is **not assessed**, never passed. What a rule *consults* it asks for
only where the workflow gives it reason to. Penalties are for one occurrence on a published
workflow: five occurrences or more take double, faults in the definition of a draft weigh 0.3.
Written by `make docs` from the code.
"""


def rules_page(rules: Sequence[Rule] = RULES) -> str:
    """Gives the text of `docs/rules.md`."""
    parts = [INTRODUCTION, *_overview(rules)]
    for first_digit, title in FAMILIES.items():
        parts.append(f"## {title}\n")
        parts += [_section(rule) for rule in rules if rule.id.startswith(f"GHL{first_digit}")]
    return "\n".join([*parts, *_coverage()])


def fires_when(rule: Rule) -> str:
    """Gives the sentence that says when a rule fires: its check's docstring, on one line."""
    return " ".join((inspect.getdoc(rule.check) or "").split())


def _overview(rules: Sequence[Rule]) -> Iterator[str]:
    yield "| rule | name | severity | penalty | needs | consults |"
    yield "|---|---|---|---|---|---|"
    for rule in rules:
        anchor = f"[{rule.id}](#{rule.id.lower()})"
        yield (
            f"| {anchor} | {rule.name} | {rule.severity} | {rule.penalty:g} "
            f"| {_kinds(rule.needs)} | {_kinds(rule.consults)} |"
        )
    yield ""


def _section(rule: Rule) -> str:
    most = "at most " if rule.counts_as is Severity.CRITICAL else ""
    return "\n".join(
        [
            f"### {rule.id}",
            "",
            f"**{rule.name}** — {rule.severity}, {most}{rule.penalty:g} points.",
            "",
            f"- Fires when: {fires_when(rule)}",
            f"- Why: {rule.basis}",
            f"- What to do: {rule.remedy}",
            "",
        ]
    )


def _coverage() -> Iterator[str]:
    yield "## What could not be seen\n"
    yield "Shown with each workflow, without points: these are never counted as faults.\n"
    yield "| entry | name |"
    yield "|---|---|"
    yield from (f"| {gap} | {title} |" for gap, title in TITLES.items())
    yield ""


def _kinds(kinds: frozenset[str]) -> str:
    return ", ".join(sorted(kinds)) or "–"
