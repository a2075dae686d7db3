"""Webhook bodies as executions, or the reason why one cannot be read.

Pure functions, and every limit of what comes in from outside: `decoding` reads
JSON, `lenient` and `strict` read an execution out of it, `reading` a whole body.
"""

from gateway.payloads.reading import Reading, Readings, read_leniently, read_strictly

__all__ = ["Reading", "Readings", "read_leniently", "read_strictly"]
