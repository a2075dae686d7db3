"""What can be wrong with a request."""

from libs import problems


class LocationMissing(problems.InvalidRequest):
    """Name the location (the sub-account) it is about."""

    reason = "LOCATION_MISSING"


class WorkflowMissing(problems.InvalidRequest):
    """Name the workflow it is about."""

    reason = "WORKFLOW_MISSING"


class ContactMissing(problems.InvalidRequest):
    """Name the contact it is about."""

    reason = "CONTACT_MISSING"


class StatusMissing(problems.InvalidRequest):
    """Say how the run ended: success, failed or partial."""

    reason = "STATUS_MISSING"


class StatusUnknown(problems.InvalidRequest):
    """Ask for success, failed or partial, or leave the filter empty."""

    reason = "STATUS_UNKNOWN"


class ReasonMissing(problems.InvalidRequest):
    """Say why the delivery could not be read."""

    reason = "REASON_MISSING"


class FieldTooLong(problems.InvalidRequest):
    """Shorten the field."""

    reason = "FIELD_TOO_LONG"


class ExecutionTimeOutOfRange(problems.InvalidRequest):
    """Give the time the run took in milliseconds, 0 to 31,536,000,000 (a year), or leave it out."""

    reason = "EXECUTION_TIME_OUT_OF_RANGE"


class NoItems(problems.InvalidRequest):
    """Send 1 to 500 items."""

    reason = "NO_ITEMS"


class TooManyItems(problems.InvalidRequest):
    """Send at most 500 items in one call, and the rest in further calls."""

    reason = "TOO_MANY_ITEMS"


class NoWorkflows(problems.InvalidRequest):
    """Send 1 to 500 workflows."""

    reason = "NO_WORKFLOWS"


class TooManyWorkflows(problems.InvalidRequest):
    """Ask for at most 500 workflows in one call, and for the rest in further calls."""

    reason = "TOO_MANY_WORKFLOWS"


class WindowOutOfRange(problems.InvalidRequest):
    """Look back 1 minute to 90 days."""

    reason = "WINDOW_OUT_OF_RANGE"


class BucketUnknown(problems.InvalidRequest):
    """Ask for buckets of an hour or a day, or leave the choice to us."""

    reason = "BUCKET_UNKNOWN"


class TopOutOfRange(problems.InvalidRequest):
    """Ask for the 1 to 20 most frequent, or for none with 0."""

    reason = "TOP_OUT_OF_RANGE"


class ThresholdOutOfRange(problems.InvalidRequest):
    """Try 1 to 10,000 failures."""

    reason = "THRESHOLD_OUT_OF_RANGE"


class RunLimitOutOfRange(problems.InvalidRequest):
    """Let runs take 1 to 720 hours, or leave it to the installation's limit."""

    reason = "RUN_LIMIT_OUT_OF_RANGE"


class UpdateMaskEmpty(problems.InvalidRequest):
    """Name the fields to change in the mask."""

    reason = "UPDATE_MASK_EMPTY"


class UpdateMaskUnknownField(problems.InvalidRequest):
    """Only run_limit_hours can be changed."""

    reason = "UPDATE_MASK_UNKNOWN_FIELD"
