"""Takes out of what was told what runs of a forgotten contact said."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

REMOVED = "The text was removed on request."
"""What people read in place of it."""

_ECHOING = ("Error", "Sent here because")
"""Facts that repeat what a run said, or what a target that was told of it answered."""

_SPOKEN = re.compile(r"(The same error in \d+ locations?: ).*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactForgotten:
    """Says which runs were of a contact that is forgotten; tells nobody anything."""

    event_id: str
    location_id: str
    execution_ids: tuple[str, ...] = ()
    run_ids: tuple[str, ...] = ()


def title_without(title: str) -> str:
    """Gives a title, or what holds one, without the error that it quotes."""
    return _SPOKEN.sub(rf"\1{REMOVED}", title)


def content_without(content: Mapping[str, Any], run_ids: Collection[str]) -> dict[str, Any]:
    """Gives a kept message without what runs said, and without the ids of runs."""
    kept = {name: _without(each, run_ids) for name, each in content.items()}
    kept["listings"] = [each for each in kept["listings"] if each["lines"]]
    return kept


def _without(kept: Any, run_ids: Collection[str]) -> Any:
    match kept:
        case {"label": label, "text": str()} if label in _ECHOING:
            return {**kept, "text": REMOVED}
        case dict():
            return {name: _named_without(name, each, run_ids) for name, each in kept.items()}
        case list():
            left = [each for each in kept if not (isinstance(each, str) and each in run_ids)]
            return [_without(each, run_ids) for each in left]
        case str():
            return title_without(kept)
        case _:
            return kept


def _named_without(name: str, kept: Any, run_ids: Collection[str]) -> Any:
    if name in ("error_message", "error") and kept:
        return REMOVED
    return _without(kept, run_ids)
