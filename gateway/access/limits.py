"""Rate limits: so many requests a minute for each key, or for each address."""

from collections import OrderedDict
from datetime import datetime, timedelta

from libs import problems
from libs.clock import Clock

REQUESTS_A_MINUTE = 600
_MOST_KEYS = 10_000


class RateLimited(problems.TooMany):
    """Too many requests with this key or from this address; wait as long as `Retry-After` says."""

    reason = "RATE_LIMITED"


class RateLimits:
    """A bucket of tokens for each key, refilled evenly.

    Counted in this process alone: behind two gateways a key has twice the limit,
    which protects each of them all the same.
    """

    def __init__(
        self, clock: Clock, a_minute: int = REQUESTS_A_MINUTE, *, of: str = "A key"
    ) -> None:
        """Takes for the message whom it limits."""
        self._clock = clock
        self._of = of
        self._full = float(a_minute)
        self._a_second = a_minute / 60
        self._buckets: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, key_id: str) -> None:
        """Takes a token; raises `RateLimited` when there is none."""
        now = self._clock.now()
        tokens, since = self._buckets.pop(key_id, (self._full, now))
        passed = max(0.0, (now - since).total_seconds())
        tokens = min(self._full, tokens + passed * self._a_second)
        enough = tokens >= 1
        self._buckets[key_id] = (tokens - 1 if enough else tokens, now)
        if len(self._buckets) > _MOST_KEYS:
            self._buckets.popitem(last=False)
        if not enough:
            raise self._problem((1 - tokens) / self._a_second)

    def _problem(self, seconds: float) -> RateLimited:
        return RateLimited(
            f"{self._of} may send {self._full:.0f} requests a minute; wait as long as `Retry-After` says.",
            retry_after=timedelta(seconds=seconds),
            requests_a_minute=int(self._full),
        )
