"""What the columns of all tables are made of."""

from typing import Any

from sqlalchemy import BigInteger, DateTime, Identity, Text, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class NotifierTable(SQLModel, registry=registry()):
    """What all tables of the notifier share: a heap of their own."""


def identifier(*, nullable: bool = False, default: str | None = None) -> Any:
    given = {} if default is None else {"server_default": text(f"'{default}'::text")}
    # Compared byte by byte, as the keyset pages and their indexes are.
    return Field(sa_type=Text(collation="C"), nullable=nullable, sa_column_kwargs=given)


def words(*, nullable: bool = False, default: str | None = None) -> Any:
    given = {} if default is None else {"server_default": text(f"'{default}'::text")}
    return Field(sa_type=Text, nullable=nullable, sa_column_kwargs=given)


def moment(*, nullable: bool = False, default: str | None = None) -> Any:
    given = {} if default is None else {"server_default": text(default)}
    return Field(
        sa_type=DateTime(timezone=True),
        nullable=nullable,
        sa_column_kwargs=given,
    )


def number(*, default: int | None = None) -> Any:
    given = {} if default is None else {"server_default": text(str(default))}
    return Field(sa_type=BigInteger, nullable=False, sa_column_kwargs=given)


def serial() -> Any:
    return Field(sa_type=BigInteger, sa_column_args=[Identity(always=True)], nullable=False)
