"""What the scheduler keeps in its own database, and every line of SQL that reads or writes it."""

from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

Transaction: TypeAlias = AsyncSession
"""What the rooms above hold of a transaction: something to pass on."""
