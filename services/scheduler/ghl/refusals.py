"""What GoHighLevel has refused lately, so that it is not asked again all day."""

from datetime import datetime, timedelta

from libs.clock import Clock
from services.scheduler.ghl.problems import NotPermitted
from services.scheduler.ghl.values import Resource

REMEMBERED = timedelta(days=1)


class Refusals:
    """Remembers for a day what the token of a location may not read."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._noted: dict[tuple[str, Resource], tuple[datetime, NotPermitted]] = {}

    def check(self, location_id: str, resource: Resource) -> None:
        """Raises `NotPermitted` again when it was raised within a day."""
        noted = self._noted.get((location_id, resource))
        if noted and noted[0] > self._clock.now():
            problem = noted[1]
            raise NotPermitted(problem.message, resource=resource, code=problem.code)

    def note(self, location_id: str, problem: NotPermitted) -> None:
        """Remembers a refusal."""
        now = self._clock.now()
        self._noted = {key: noted for key, noted in self._noted.items() if noted[0] > now}
        self._noted[location_id, problem.resource] = (now + REMEMBERED, problem)

    def forget(self, location_id: str) -> None:
        """Forgets what was refused to a location, which may read other things with a new token."""
        self._noted = {key: noted for key, noted in self._noted.items() if key[0] != location_id}
