"""The calls made for one location: within its budget, patient, and with the token of the hour."""

from collections.abc import Callable
from datetime import timedelta

from services.scheduler.ghl.answers import FAULTS, TOO_MANY, token_refused
from services.scheduler.ghl.budget import WINDOW, Budget, Timer
from services.scheduler.ghl.problems import GhlAnswerUnreadable, GhlUnavailable, RateLimited
from services.scheduler.ghl.tokens import AccessToken, TokenSource
from services.scheduler.ghl.wire import Answer, Call, Wire

MOST_ATTEMPTS = 4
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 60.0
UNTIL_TOMORROW = timedelta(hours=1)
"""When the calls of the day are used up, nobody says when the day ends."""

HICCUP = 1.0
INTERVAL = "X-RateLimit-Interval-Milliseconds"
LEFT_TODAY = "X-RateLimit-Daily-Remaining"


class Line:
    """Makes calls on the account of one location or agency, and counts them in `calls`."""

    def __init__(
        self, account: str, wire: Wire, budget: Budget, timer: Timer, jitter: Callable[[], float]
    ) -> None:
        self.calls = 0
        self._account = account
        self._wire = wire
        self._budget = budget
        self._timer = timer
        self._jitter = jitter

    async def authorized(self, call: Call, tokens: TokenSource) -> Answer:
        """Gives the answer to a call; when the token is refused, to a second one with the next."""
        token = await tokens.current()
        answer = await self.answer(call, token)
        if token_refused(answer):
            answer = await self.answer(call, await tokens.after(token))
        return answer

    async def answer(self, call: Call, token: AccessToken | None = None) -> Answer:
        """Gives the answer, however often it has to be asked for; `RateLimited` in the end.

        After a 429 all calls of the location wait, not only this one.
        """
        attempt = 1
        while (answer := await self._steady(call, token)).status == TOO_MANY:
            if answer.headers.get(LEFT_TODAY) == "0":
                raise RateLimited(
                    "GoHighLevel's calls of today are used up.", retry_after=UNTIL_TOMORROW
                )
            pause = self._pause(answer, attempt)
            if attempt == MOST_ATTEMPTS:
                raise RateLimited(retry_after=timedelta(seconds=pause))
            self._budget.close(self._account, pause)
            attempt += 1
        return answer

    async def _steady(self, call: Call, token: AccessToken | None) -> Answer:
        """Passes over one hiccup, so that it does not make a scan of 1,000 workflows partial."""
        if not call.repeatable:
            return await self._once(call, token)
        try:
            answer = await self._once(call, token)
            if answer.status < FAULTS:
                return answer
        except GhlAnswerUnreadable:
            raise
        except GhlUnavailable:
            pass
        await self._timer.sleep(HICCUP * (0.5 + self._jitter()))
        return await self._once(call, token)

    async def _once(self, call: Call, token: AccessToken | None) -> Answer:
        async with self._budget.place(self._account):
            self.calls += 1
            return await self._wire.exchange(call, token)

    def _pause(self, answer: Answer, attempt: int) -> float:
        # No Retry-After is sent, only the length of the window that was overdrawn.
        said = answer.headers.get(INTERVAL, "")
        seconds = int(said[:9]) / 1000 if said.isascii() and said.isdigit() else WINDOW
        spread = seconds * 2.0 ** (attempt - 1) * (1 + self._jitter() / 4)
        return min(max(spread, SHORTEST_PAUSE), LONGEST_PAUSE)
