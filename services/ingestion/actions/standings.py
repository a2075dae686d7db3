"""How workflows stood when a batch was last added to them, as far as that matters to the next one."""

from collections.abc import Iterable, Mapping

from services.ingestion.domain.execution import WorkflowKey
from services.ingestion.domain.threshold import Standing
from services.ingestion.domain.workflow import Sighting

MOST = 100_000
NOTHING_DUE = Standing()


class RememberedStandings:
    """Remembers whom the notifier was told of; another process may know better."""

    def __init__(self) -> None:
        self._told: dict[WorkflowKey, Standing] = {}

    def note(self, standings: Mapping[WorkflowKey, Standing]) -> None:
        """Notes how workflows stand now."""
        if len(self._told) > MOST:
            self._told.clear()
        for workflow, standing in standings.items():
            if standing.recovery_due or standing.finish_due:
                self._told[workflow] = standing
            else:
                self._told.pop(workflow, None)

    def are_kept_by(self, sightings: Iterable[Sighting]) -> bool:
        """Says whether a batch, as far as is known, changes none, and only counts."""
        return all(
            self._told.get(each.workflow, NOTHING_DUE).is_kept_by(
                failures=each.failures, succeeded=each.succeeded
            )
            for each in sightings
        )
