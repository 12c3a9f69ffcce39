"""The number of a dossier goes into records that are kept for ever: it is one, and holds no number of a person."""

import pytest

from lgsp_contracts import entry
from lgsp_contracts.dossiers import MAX_LENGTH, PATTERN, read_dossier_reference
from lgsp_problems import Refusal


@pytest.mark.parametrize(
    "text",
    ["H49.12-261128-0001", "000.00.01.H49-261128-0001", "12/QD-UBND", "1", "2026_0001", "20261128000123", "x" * 64],
)
def test_numbers_of_dossiers_are_read(text: str) -> None:
    assert read_dossier_reference(text) == text


@pytest.mark.parametrize(
    "text",
    ["", " ", "a b", "hồ sơ 1", "-1", "1-", "a\n", '"', "x" * (MAX_LENGTH + 1), "022093001234", "HS-022093001234/1"],
)
def test_anything_else_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_dossier_reference(text)
    assert refused.value.code == "reference-invalid"
    assert "022093001234" not in refused.value.detail.en + refused.value.detail.vi


def test_entries_hold_just_what_is_read() -> None:
    assert entry.schema("call")["properties"]["reference"]["pattern"] == PATTERN
