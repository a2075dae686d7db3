"""Takes the agency out of the program again."""

from collections.abc import Callable

from demo.agency import LOCATIONS
from demo.program import Program


async def remove(program: Program, say: Callable[[str], object]) -> None:
    """Deletes the agency's locations with all that is kept of them."""
    for location in LOCATIONS:
        deleted = await program.delete(f"/api/locations/{location.location_id}")
        rows = sum(deleted["removed_rows"].values()) if deleted else 0
        say(f"{location.name}: " + (f"removed, {rows} rows" if deleted else "was not there"))
