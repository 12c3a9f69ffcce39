"""Durations in classes, eight for each doubling: counts by class add up, over time and over systems, and quantiles of the sum stay exact to a tenth."""

import math
from collections.abc import Mapping


def duration_class(milliseconds: float) -> int:
    """Return the class of a duration in milliseconds: eight classes for each doubling, each less than a tenth wide."""
    return round(8 * math.log2(max(milliseconds, 0.01) * 100))


def duration_of(class_: int) -> float:
    """Return the duration in the middle of a class, in milliseconds."""
    return float(2 ** (class_ / 8) / 100)


def quantile(calls_by_class: Mapping[int, int], share: float) -> float:
    """Return the duration in milliseconds that this share of the calls did not exceed; 0 without calls."""
    remaining = math.ceil(sum(calls_by_class.values()) * share)
    for class_ in sorted(calls_by_class):
        remaining -= calls_by_class[class_]
        if remaining <= 0:
            return round(duration_of(class_), 2)
    return 0.0
