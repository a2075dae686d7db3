"""Rows of statements that travel without a session, by the names of their columns."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any


def named(columns: Any, values: Sequence[Any]) -> Any:
    """Gives a row of all columns of a table as the table's own class would hold it."""
    return SimpleNamespace(**dict(zip(columns.keys(), values, strict=True)))
