"""Patterns are rewritten so that every engine reads them in the same way, or not at all."""

import pytest

from lgsp_contracts.portable_patterns import portable


@pytest.mark.parametrize(
    ("pattern", "rewritten"),
    [
        (r"^\d{12}$", "^[0-9]{12}$"),
        (r"^[\d/]+$", "^[0-9/]+$"),
        (r"^[^\w]\D$", "^[^A-Za-z0-9_][^0-9]$"),
        (r"^a\sb$", r"^a[ \t\n\r\f\v]b$"),
        (r"^\\d\.[]\d]$", r"^\\d\.[]0-9]$"),
        ("^[A-Z]{2}[0-9]{4}$", "^[A-Z]{2}[0-9]{4}$"),
        (r"^\p{L}+$", None),
        (r"^[\D]$", None),
        ("^(?<name>a)$", None),
        ("^[a&&b]$", None),
    ],
)
def test_a_pattern(pattern: str, rewritten: str | None) -> None:
    assert portable(pattern) == rewritten
