"""The notifier's own database; nobody else reads or writes it."""

from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

Transaction: TypeAlias = AsyncSession
"""What `Database.transaction()` gives; passed on by the actions, used only here."""
