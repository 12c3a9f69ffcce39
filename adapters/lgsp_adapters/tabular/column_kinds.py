"""What the values of a column look like, without any of them: for who writes a mapping before having seen the file."""

import json
import re
from collections import Counter
from collections.abc import Iterable

from lgsp_adapters.text.comparison import lookup_key

_KINDS = [
    ("digits", re.compile(r"[0-9]+")),
    ("number", re.compile(r"[+-]?[0-9]+[.,][0-9]+|-[0-9]+|[0-9]{1,3}(?:[., ][0-9]{3})+(?:[.,][0-9]+)?")),
    ("date yyyy-MM-dd", re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")),
    ("instant", re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+")),
    ("date dd/MM/yyyy", re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}")),
    ("date d/M/yyyy", re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}")),
    ("truth", re.compile(r"TRUE|FALSE")),
]
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER_LENGTHS = (9, 10, 12)
"""Digits of numbers that people and enterprises have."""


def kind_of(text: str) -> str:
    """Return the kind of one value."""
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(text)), "text")


def describe_column(heading: str, values: Iterable[object]) -> dict[str, object]:
    """Describe a column.

    Returns:
        `heading`, `kinds` (how many values of each kind), `absent`, and `hint` where zeros at the beginning seem to be lost.
    """
    kinds: Counter[str] = Counter()
    lengths: Counter[int] = Counter()
    absent = 0
    for value in values:
        text = lookup_key(value) if isinstance(value, str) else None
        if text is None:
            absent += 1
            continue
        kind = kind_of(text)
        kinds[kind] += 1
        if kind == "digits":
            lengths[len(text)] += 1
    described: dict[str, object] = {"heading": heading, "kinds": dict(kinds.most_common()), "absent": absent}
    longest = max(lengths, default=0)
    if longest in _NUMBER_LENGTHS and longest - 3 <= min(lengths) < longest:
        described["hint"] = _hint(heading, longest, longest - 2 in lengths)
    elif longest == _NUMBER_LENGTHS[-1] - 1 and min(lengths) >= longest - 1:
        described["hint"] = _hint(heading, longest + 1, longest - 1 in lengths)
    return described


def _hint(heading: str, width: int, two_missing: bool) -> str:
    hint = f"some may have lost a zero at the beginning: restore_zeros(row.{quoted(heading)}, `{width}`)"
    if two_missing:
        return f"{hint}; some lack two digits: where they begin with 00, add `2` as a third argument"
    return hint


def quoted(heading: str) -> str:
    """Write a heading as an identifier of JMESPath, in quotes where it needs them."""
    return heading if _IDENTIFIER.fullmatch(heading) else json.dumps(heading, ensure_ascii=False)
