"""What the door accepts is read the same way by everybody."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp_contracts import strict_json
from lgsp_problems import Refusal

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)


@given(values)
def test_every_json_document_is_accepted(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    try:
        body = text.encode()
    except UnicodeEncodeError:
        return
    assert strict_json.loads(body) == json.loads(text)


@given(st.text(), scalars, scalars, values)
def test_a_key_that_stands_twice_is_refused(key: str, first: Any, second: Any, beside: Any) -> None:
    name = json.dumps(key)
    inner = f"{{{name}: {json.dumps(first)}, {name}: {json.dumps(second)}}}"
    for text in (inner, f"[{json.dumps(beside)}, {inner}]", f'{{"a:b": {inner}}}'):
        with pytest.raises(Refusal) as refused:
            strict_json.loads(text.encode())
        assert refused.value.code == "malformed"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"NaN", b"[Infinity]", b"[1e999]", b'"\\ud800"', b"\xef\xbb\xbf{}", b"'a'", b"[1,]"]
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal):
        strict_json.loads(body)


def test_depth_is_bounded() -> None:
    deepest = b"[" * strict_json.MAX_DEPTH + b"]" * strict_json.MAX_DEPTH
    assert strict_json.loads(deepest)
    with pytest.raises(Refusal):
        strict_json.loads(b"[" + deepest + b"]")
    assert not math.isnan(strict_json.loads(b"1"))


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding_is_named(mark: str) -> None:
    with pytest.raises(Refusal) as refused:
        strict_json.loads('{"a": 1}'.encode(mark))
    assert "BOM" in refused.value.detail.en or "UTF-16" in refused.value.detail.en
    assert refused.value.code == "malformed"


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 0.' + b"1" * 200 + b"}",
        b"[1e-999999999]",
        b"1E-0000000401",
        b'[{"a": 1, "b": [0.' + b"0" * 100 + b"]}]",
    ],
)
def test_a_number_that_is_too_long_to_write_out_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        strict_json.loads(body)
    assert refused.value.code == "malformed"


@pytest.mark.parametrize("text", ["1" * 300, "1e-999999999", '\\"1e-99999 ', "0." + "1" * 200])
def test_digits_in_a_text_are_a_text(text: str) -> None:
    body = json.dumps({"a": text, "b": 1.5}).encode()
    assert strict_json.loads(body) == {"a": text, "b": 1.5}


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ([[0] * 9], "10 values"),
        ([{str(n): n for n in range(5)}], "4 fields"),
        ({str(n): n for n in range(5)}, "4 fields"),
    ],
)
def test_values_and_members_are_bounded(document: Any, what: str) -> None:
    limits = strict_json.Limits(values=9 if "values" in what else 100, members=4)
    with pytest.raises(Refusal) as refused:
        strict_json.loads(json.dumps(document).encode(), limits)
    assert refused.value.code == "too-large"
    assert refused.value.detail.en.startswith("The body has more than")


@given(values, st.sampled_from(["\x00", "\x01", "\x08", "\x0b", "\x0c", "\x1f", "\ufffe", "\uffff"]), st.booleans())
def test_what_xml_cannot_hold_is_found(value: Any, odd: str, ascii_only: bool) -> None:
    for document, place in (({"b": value, "x": ["", f"a{odd}"]}, None), ({"x": {f"a{odd}": 1}, "b": 1}, "/x")):
        try:
            body = json.dumps(document, ensure_ascii=ascii_only).encode()
            parsed = strict_json.loads(body)
        except (UnicodeEncodeError, Refusal):
            return
        found = strict_json.forbidden_character(body, parsed)
        assert found is not None if place is None else found == place


@given(
    st.text(
        st.characters(min_codepoint=32, max_codepoint=0xFFFD, exclude_categories=["Cs"]) | st.sampled_from("\t\n\r\\")
    )
)
def test_what_xml_can_hold_is_let_pass(text: str) -> None:
    for ascii_only in (True, False):
        body = json.dumps({text: [text, "u0000\\u0000"]}, ensure_ascii=ascii_only).encode()
        assert strict_json.forbidden_character(body, strict_json.loads(body)) is None
