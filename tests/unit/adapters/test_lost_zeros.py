"""Zeros are restored only where zeros can have been lost: no other mistake in a number may make it another person's."""

from typing import Any

import pytest

from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.mapping.lost_zeros import restore_zeros
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal

COMPLETE = "022220001235"


@pytest.mark.parametrize(
    ("value", "restored"),
    [
        (COMPLETE, COMPLETE),
        ("22220001235", COMPLETE),
        (22220001235, COMPLETE),
        (22220001235.0, COMPLETE),
        (" 22220001235\u00a0", COMPLETE),
        (None, None),
        ("", None),
        ("-", None),
        ("N/A", None),
    ],
)
def test_a_number_gets_back_what_it_lost(value: Any, restored: str | None) -> None:
    assert restore_zeros(value, 12) == restored


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_digit_lost_behind_the_zero_is_never_a_zero(most: int) -> None:
    for position in range(1, len(COMPLETE)):
        with pytest.raises(MappingError, match="a number that begins with 0 has 11 digits and not 12"):
            restore_zeros(COMPLETE[:position] + COMPLETE[position + 1 :], 12, most)


def test_a_digit_lost_beside_the_zero_is_no_second_zero_unless_two_can_be_lost() -> None:
    for position in range(1, len(COMPLETE)):
        with pytest.raises(MappingError, match="at most one zero can be lost"):
            restore_zeros(int(COMPLETE[:position] + COMPLETE[position + 1 :]), 12)
    assert restore_zeros(1093001234, 12, 2) == "001093001234"
    with pytest.raises(MappingError, match="at most 2 zeros can be lost"):
        restore_zeros(109300123, 12, 2)


@pytest.mark.parametrize(
    "value", ["0222200012355", "22220001235x", "2.222E+10", "22220001235,0", "-2222000123", True, [1]]
)
def test_what_is_no_such_number_is_refused(value: Any) -> None:
    with pytest.raises(MappingError) as refused:
        restore_zeros(value, 12)
    assert str(value) not in str(refused.value)


@pytest.mark.parametrize("call", ["restore_zeros(x, '12')", "restore_zeros(x, `0`)", "restore_zeros(x, `12`, `4`)"])
def test_a_width_that_makes_no_sense_is_refused_with_the_manifest(call: str) -> None:
    with pytest.raises(Refusal, match="a whole number from 1"):
        Template(call, SourceLocation("page"), ("x",))
