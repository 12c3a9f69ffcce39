"""A projection shows what it lists and nothing else, whatever the document looks like."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp_contracts import pointers, strict_json
from lgsp_contracts.projection import Projection
from lgsp_problems import Refusal

names = st.sampled_from(["a", "b", "c", "d/e", "~"])
documents = st.recursive(
    st.integers(), lambda inner: st.dictionaries(names, inner, max_size=4) | st.lists(inner, max_size=3), max_leaves=25
)
paths = st.lists(st.lists(names, min_size=1, max_size=3).map(tuple), max_size=5)


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], int]]:
    """Every number of a document with the names that lead to it."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item, path)]
    return [(path, value)]


@given(st.dictionaries(names, documents, max_size=4), paths)
def test_exactly_the_listed_is_seen(document: dict[str, Any], allowed: list[tuple[str, ...]]) -> None:
    seen = leaves(Projection(pointers.join(path) for path in allowed).apply(document))
    expected = [leaf for leaf in leaves(document) if any(leaf[0][: len(path)] == path for path in allowed)]
    assert sorted(seen) == sorted(expected)


@given(documents)
def test_a_star_shows_everything(document: Any) -> None:
    assert Projection(["*"]).apply(document) == document


def test_arrays_are_looked_through() -> None:
    shown = Projection(["/nguoi/ten"]).apply({"nguoi": [{"ten": "a", "so": 1}, {"so": 2}, 3], "so": 4})
    assert shown == {"nguoi": [{"ten": "a"}, {}]}


def test_a_field_is_a_pointer() -> None:
    with pytest.raises(ValueError, match="begins with a slash"):
        Projection(["ten"])


class Digits(str):
    """A number as it stands in a text."""


def exact(body: bytes) -> Any:
    return json.loads(body, parse_int=Digits, parse_float=Digits)


integers = st.from_regex(r"-?(0|[1-9][0-9]{0,30})", fullmatch=True)
numbers = integers | st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,2})?", fullmatch=True)
texts = st.text(max_size=5).map(json.dumps) | st.text(max_size=5).map(lambda text: json.dumps(text, ensure_ascii=False))
spaces = st.sampled_from(["", " ", "\n\t"])


def _object(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    found = st.tuples(st.dictionaries(names, inner, max_size=4), spaces)
    return found.map(lambda told: "{" + ",".join(f"{json.dumps(k)}{told[1]}:{v}" for k, v in told[0].items()) + "}")


def _array(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(inner, max_size=3).map(lambda items: "[" + " , ".join(items) + "]")


written = st.recursive(numbers | texts, lambda inner: _object(inner) | _array(inner), max_leaves=25)


@given(_object(written), paths)
def test_no_digit_changes(text: str, allowed: list[tuple[str, ...]]) -> None:
    """What is left is what the provider wrote, number for number, whatever of it is hidden."""
    try:
        body = text.encode()
        parsed = strict_json.loads(body)
    except (UnicodeEncodeError, Refusal):
        return
    projection = Projection(pointers.join(path) for path in allowed)
    expected = projection.apply(exact(body))
    assert exact(projection.cut(body)) == expected
    assert exact(projection.cut(body, parsed)) == expected


@pytest.mark.parametrize(
    "number", ["1.10", "5.0", "12345678901234567.89", "123456789012345678901234567890", "-0", "1e5", "1E+2"]
)
def test_a_number_stays_as_it_was_written(number: str) -> None:
    body = f'{{"a": [{{"b": {number}}}], "c": 1}}'.encode()
    assert number.encode() in Projection(["/a"]).cut(body)
    assert b'"c"' not in Projection(["/a"]).cut(body)
