"""What can come of a call to GoHighLevel, other than an answer."""

from libs import problems
from services.scheduler.ghl.values import Resource


class ConnectionExpired(problems.WrongState):
    """GoHighLevel no longer accepts the token of this location; connect the location again."""

    reason = "CONNECTION_EXPIRED"


class LocationInactive(ConnectionExpired):
    """GoHighLevel has paused this location; once it is active there, its token works again."""

    reason = "LOCATION_INACTIVE"


class NotPermitted(problems.WrongState):
    """GoHighLevel does not let the token of this location read this."""

    reason = "GHL_NOT_PERMITTED"

    @property
    def resource(self) -> Resource:
        """What may not be read."""
        return Resource(self.facts["resource"])

    @property
    def code(self) -> str:
        """GoHighLevel's own word for why, or ours where it has none."""
        return self.facts["code"]


class RateLimited(problems.TooMany):
    """GoHighLevel wants fewer calls, and patience did not help; try again later."""

    reason = "GHL_RATE_LIMITED"


class GhlUnavailable(problems.Unavailable):
    """GoHighLevel did not answer; the same call may work later."""

    reason = "GHL_UNAVAILABLE"


class GhlAnswerUnreadable(GhlUnavailable):
    """GoHighLevel answered with something that cannot be understood."""

    reason = "GHL_ANSWER_UNREADABLE"


class GhlNotFound(problems.NotFound):
    """GoHighLevel does not know this; it was deleted, or its id is wrong."""

    reason = "GHL_NOT_FOUND"


class GhlRefused(problems.WrongState):
    """GoHighLevel did not accept the call."""

    reason = "GHL_REFUSED"


class OAuthAppRefused(GhlRefused):
    """GoHighLevel does not accept the marketplace app's client id and secret; check both."""

    reason = "OAUTH_APP_REFUSED"


class OAuthAppMissing(GhlRefused):
    """Set SCHEDULER_GHL_CLIENT_ID and SCHEDULER_GHL_CLIENT_SECRET to those of your marketplace app."""

    reason = "OAUTH_APP_MISSING"


class TokenMalformed(problems.InvalidRequest):
    """The token must be the text that GoHighLevel showed: letters and signs without spaces."""

    reason = "TOKEN_MALFORMED"
