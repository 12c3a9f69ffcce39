"""The reference on the terminal: `lgsp adapter explain`."""

import pytest
from support.preloaded import run


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("iso_date", ["iso_date(value, pattern[, first-year])", '"1993-05-17"']),
        ("pages.next", ["connector http", "operations.NAME.pages.next", "(expression)"]),
        ("statement", ["connector sql", "operations.NAME.statement", "required"]),
        ("heading", ["connector files", "connector rows", "default 1"]),
        ("operations.NAME.errors[].sqlstate", ["connector sql", "operations.NAME.errors[].sqlstate", "example"]),
        ("sql", ["connector sql", "operations.NAME.statement"]),
        ("", ["Connectors: files, http", "Functions: add, all_equal"]),
    ],
)
async def test_a_name_is_explained(name: str, shown: list[str]) -> None:
    status, out, err = await run("adapter", "explain", *([name] if name else []))
    assert status == 0, err
    assert [text for text in shown if text not in out] == []


async def test_what_there_is_not_is_refused() -> None:
    status, _, err = await run("adapter", "explain", "nothing-of-the-kind")
    assert status == 1
    assert "lgsp adapter explain" in err


async def test_a_name_that_resembles_another_is_refused_with_that_one() -> None:
    _, _, err = await run("adapter", "explain", "pad")
    assert "perhaps pad_left is meant" in err
