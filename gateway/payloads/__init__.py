"""Webhook bodies as executions, or the reason why one cannot be read.

Pure functions, and every limit of what comes in from outside: `decoding` reads
JSON, `lenient` and `strict` read an execution out of it, `reading` a whole body,
`again` one that a person corrected, `signed` one that HighLevel signed;
`preference` says which of the first two is asked for.
"""

from gateway.payloads.again import read_again
from gateway.payloads.preference import handling
from gateway.payloads.reading import Reading, Readings, read_leniently, read_strictly
from gateway.payloads.signed import SignedReading, read_signed

__all__ = [
    "Reading",
    "Readings",
    "SignedReading",
    "handling",
    "read_again",
    "read_leniently",
    "read_signed",
    "read_strictly",
]
