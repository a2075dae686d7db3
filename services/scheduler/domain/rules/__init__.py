"""The catalogue of rules, and what they say of a workflow."""

from services.scheduler.domain.rules.assessment import Assessment, NotAssessed, assess
from services.scheduler.domain.rules.catalogue import RULES
from services.scheduler.domain.rules.coverage import CoverageEntry
from services.scheduler.domain.rules.rule import Gap, Rule

__all__ = ["RULES", "Assessment", "CoverageEntry", "Gap", "NotAssessed", "Rule", "assess"]
