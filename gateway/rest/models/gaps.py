"""Times in which nothing could be recorded."""

from pydantic import AwareDatetime, computed_field

from gateway.rest.models.shapes import Answer


class Gap(Answer):
    """A time in which nothing could be recorded, so executions of it may be missing."""

    gap_id: str
    start: AwareDatetime
    """When a door was open for the last time before it."""
    end: AwareDatetime
    """When one was open again."""

    @computed_field
    def seconds(self) -> float:
        """How long it was."""
        return round((self.end - self.start).total_seconds(), 1)


class CountedGap(Gap):
    """The same, and what came of it later."""

    execution_count: int
    """Executions that say that they ran in that time and came after it, counted up to 10,000."""
