"""Who may do what: API keys, sessions, locations, the audit log, rate limits.

`Access` is the one thing to ask; only `store` speaks SQL. A key reaches
everything its scope allows, in its own location or, unbound, in the agency.
"""

from gateway.access.actions import Access
from gateway.access.callers import Caller, Scope

__all__ = ["Access", "Caller", "Scope"]
