"""What can be wrong with a request, whatever is stored."""

from libs import problems


class LocationMissing(problems.InvalidRequest):
    """Name the location (the sub-account) it is about."""

    reason = "LOCATION_MISSING"


class ScanMissing(problems.InvalidRequest):
    """Name the scan it is about."""

    reason = "SCAN_MISSING"


class FindingMissing(problems.InvalidRequest):
    """Name the finding it is about."""

    reason = "FINDING_MISSING"


class TokenMissing(problems.InvalidRequest):
    """Give the private integration token, or the refresh token of the app's grant."""

    reason = "TOKEN_MISSING"


class WorkflowMissing(problems.InvalidRequest):
    """Name the workflow it is about."""

    reason = "WORKFLOW_MISSING"


class LocationDiffers(problems.InvalidRequest):
    """One stream is about one location; start another one for the other location."""

    reason = "LOCATION_DIFFERS"


class TooManyDefinitions(problems.InvalidRequest):
    """Upload at most 10,000 definitions in one stream."""

    reason = "TOO_MANY_DEFINITIONS"


class ActorMissing(problems.InvalidRequest):
    """Say who does it."""

    reason = "ACTOR_MISSING"


class FindingStateUnknown(problems.InvalidRequest):
    """Ask for new, open, regressed, fixed or ignored, or leave the filter empty."""

    reason = "FINDING_STATE_UNKNOWN"


class FieldTooLong(problems.InvalidRequest):
    """Shorten the field."""

    reason = "FIELD_TOO_LONG"


class TextMalformed(problems.InvalidRequest):
    """Leave out the character U+0000, which cannot be stored."""

    reason = "TEXT_MALFORMED"


class ScanScopeUnknown(problems.InvalidRequest):
    """Choose scope all, active or selected."""

    reason = "SCAN_SCOPE_UNKNOWN"


class OverlapPolicyUnknown(problems.InvalidRequest):
    """Choose overlap policy skip or buffer_one."""

    reason = "OVERLAP_POLICY_UNKNOWN"


class SelectionWithoutScope(problems.InvalidRequest):
    """Workflows are named, but no scope: say scope selected, or name none."""

    reason = "SELECTION_WITHOUT_SCOPE"


class StatusUnknown(problems.InvalidRequest):
    """Ask for one of the statuses of a scan, or leave the filter empty."""

    reason = "STATUS_UNKNOWN"


class SeverityUnknown(problems.InvalidRequest):
    """Ask for critical, warning or info, or leave the filter empty."""

    reason = "SEVERITY_UNKNOWN"


class CountOutOfRange(problems.InvalidRequest):
    """Ask for 1 to 100 runs; 0 means 5."""

    reason = "COUNT_OUT_OF_RANGE"


class UpdateMaskUnknownField(problems.InvalidRequest):
    """The mask names a field that cannot be changed."""

    reason = "UPDATE_MASK_UNKNOWN_FIELD"


class UpdateMaskEmpty(problems.InvalidRequest):
    """The mask names no field; name some, or leave it out to replace the whole schedule."""

    reason = "UPDATE_MASK_EMPTY"
