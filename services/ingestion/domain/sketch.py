"""How long runs took: a histogram whose classes grow by a tenth, so that it can be added up.

A time is known to its class, and a percentile is off by less than 5 % of itself.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

GROWTH = 1.1
"""How much wider each class is than the one before."""
DIGITS = 12
"""Decimal places of a class in the number that holds them all: no count has more."""


@dataclass(frozen=True, slots=True)
class Times:
    """How many runs took how long, by class.

    Class 0 holds the runs of 0 ms, class n + 1 those above GROWTH**(n - 1) and
    up to GROWTH**n.
    """

    counts: Mapping[int, int]

    @classmethod
    def read(cls, number: str) -> "Times":
        """Reads the decimal number whose every 12 digits are the count of a class."""
        counts = {}
        for place, end in enumerate(range(len(number), 0, -DIGITS)):
            if count := int(number[max(0, end - DIGITS) : end]):
                counts[place] = count
        return cls(counts)

    def __add__(self, other: "Times") -> "Times":
        places = self.counts.keys() | other.counts.keys()
        return Times({at: self.counts.get(at, 0) + other.counts.get(at, 0) for at in places})

    def percentile(self, share: float) -> float | None:
        """Gives the time, in milliseconds, that so large a share of the runs kept; None without runs."""
        total = sum(self.counts.values())
        rank = max(1, math.ceil(total * share))
        for place in sorted(self.counts):
            rank -= self.counts[place]
            if rank <= 0:
                return middle(place)
        return None


NO_TIMES = Times({})


def class_of(milliseconds: int) -> int:
    """Gives the class of a time."""
    return 0 if milliseconds == 0 else 1 + math.ceil(math.log(milliseconds) / math.log(GROWTH))


def middle(place: int) -> float:
    """Gives the time that stands for a class: nowhere in it is the error larger than at its ends."""
    return 0.0 if place == 0 else 2 * GROWTH ** (place - 1) / (GROWTH + 1)
