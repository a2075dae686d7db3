"""Ingestion's tables, and every line of SQL that reads or writes them."""

from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from libs.db import exchange

Transaction: TypeAlias = exchange.Transaction
"""What the rooms above hold of a transaction: something to pass on."""
Session: TypeAlias = AsyncSession
"""A transaction that more can be done with than what the hot path needs."""
