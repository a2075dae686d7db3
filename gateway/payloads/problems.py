"""Why a body, or one execution in it, cannot be read."""

from libs.problems import InvalidRequest

MOST_ITEMS = 500
DEEPEST = 64
MOST_FIELDS = 10_000


class BodyEmpty(InvalidRequest):
    """The body is empty; send a JSON object with `status`."""

    reason = "BODY_EMPTY"


class BodyNotJson(InvalidRequest):
    """The body is not JSON; send JSON (in a webhook step: the content type application/json)."""

    reason = "BODY_NOT_JSON"


class BodyNotObject(InvalidRequest):
    """The body must be a JSON object, or an array of JSON objects."""

    reason = "BODY_NOT_OBJECT"


class BodyTooDeep(InvalidRequest):
    """The body is nested more than 64 levels deep; send fewer levels."""

    reason = "BODY_TOO_DEEP"


class BodyTooWide(InvalidRequest):
    """The body has more than 10,000 fields; send fewer."""

    reason = "BODY_TOO_WIDE"


class NameTwice(InvalidRequest):
    """A name stands twice in one object of the body; send each once."""

    reason = "NAME_TWICE"


class BodyNotOneObject(InvalidRequest):
    """What HighLevel signs is one JSON object; send arrays with a key."""

    reason = "BODY_NOT_ONE_OBJECT"


class BodyLocationMissing(InvalidRequest):
    """The body names no location: `extras.locationId`, `location.id` or `locationId`; what is signed needs one."""

    reason = "BODY_LOCATION_MISSING"


class BodyLocationsDiffer(InvalidRequest):
    """The body names several locations; nothing says which of them it is about."""

    reason = "BODY_LOCATIONS_DIFFER"


class SignedTimeMissing(InvalidRequest):
    """The body says no time: add `timestamp`; what is signed for ever could be sent again for ever."""

    reason = "SIGNED_TIME_MISSING"


class SignedTimeWrong(InvalidRequest):
    """It was signed too long ago, or in the future; it is not taken any more. If it is new, check this machine's clock."""

    reason = "SIGNED_TIME_WRONG"


class TooManyItems(InvalidRequest):
    """At most 500 executions go into one request; send the rest in another."""

    reason = "TOO_MANY_ITEMS"


class StatusMissing(InvalidRequest):
    """`status` is missing; add it to the webhook's custom data: success, failed or partial."""

    reason = "STATUS_MISSING"


class StatusUnknown(InvalidRequest):
    """`status` must be success, failed or partial, or started for a run that begins."""

    reason = "STATUS_UNKNOWN"


class WorkflowMissing(InvalidRequest):
    """The workflow's id is missing; put it into the path or send `workflow_id`."""

    reason = "WORKFLOW_MISSING"


class WorkflowIdWrong(InvalidRequest):
    """A workflow id has 1 to 64 visible characters; copy it from the workflow's address."""

    reason = "WORKFLOW_ID_WRONG"


class WorkflowDiffers(InvalidRequest):
    """The body names another workflow than the path; leave one of the two out."""

    reason = "WORKFLOW_DIFFERS"


class UnknownField(InvalidRequest):
    """There is no such field."""

    reason = "UNKNOWN_FIELD"


class FieldTwice(InvalidRequest):
    """The field is given twice, in two spellings; leave one out."""

    reason = "FIELD_TWICE"


class FieldMalformed(InvalidRequest):
    """The field has a value it cannot have."""

    reason = "FIELD_MALFORMED"


class FieldTooLong(InvalidRequest):
    """The field is too long."""

    reason = "FIELD_TOO_LONG"


class ExecutionTimeOutOfRange(InvalidRequest):
    """The execution time must be a whole number of milliseconds, 0 to 31536000000 (a year)."""

    reason = "EXECUTION_TIME_OUT_OF_RANGE"
