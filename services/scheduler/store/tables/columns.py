"""What the columns of all tables are made of."""

from typing import Any

from sqlalchemy import DateTime, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

from libs.db import outbox


class SchedulerTable(SQLModel, registry=registry()):
    """What all tables of the scheduler share: a heap of their own."""


outbox.declare(SchedulerTable.metadata)


def column_of(sa_type: TypeEngine[Any] | type[TypeEngine[Any]]) -> Any:
    return Field(sa_type=sa_type)


def identifier() -> Any:
    # Compared byte by byte, as the keyset pages and their indexes are.
    return column_of(Text(collation="C"))


def words() -> Any:
    return column_of(Text)


def moment() -> Any:
    return column_of(DateTime(timezone=True))


def texts() -> Any:
    return column_of(ARRAY(Text))
