"""Where a page of a list that is sorted by time and id begins."""

from typing import Any

from sqlalchemy import ColumnElement, and_, literal, tuple_

from services.ingestion.domain.page import Position
from services.ingestion.store.tables import Id, Moment


def older(at: ColumnElement[Any], id_: ColumnElement[Any], than: Position) -> ColumnElement[bool]:
    """Gives the condition for the rows that follow a position when the newest come first."""
    moment = literal(than.at, Moment)
    place = tuple_(at, id_) < tuple_(moment, literal(than.id, Id))
    # The first condition says nothing new, and lets the planner skip partitions.
    return and_(at <= moment, place)
