"""Webhook bodies as executions, or the reason why one cannot be read.

Pure functions, and every limit of what comes in from outside: `decoding` reads
JSON, `lenient` and `strict` read an execution out of it, `reading` a whole body,
`again` one that a person corrected; `preference` says which of both is asked for.
"""

from gateway.payloads.again import read_again
from gateway.payloads.preference import handling
from gateway.payloads.reading import Reading, Readings, read_leniently, read_strictly

__all__ = ["Reading", "Readings", "handling", "read_again", "read_leniently", "read_strictly"]
