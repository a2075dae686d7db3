"""New ids."""

import uuid_utils


def new_id() -> str:
    """Gives a UUIDv7: unique, and sorted by the time it was made (RFC 9562)."""
    return str(uuid_utils.uuid7())
