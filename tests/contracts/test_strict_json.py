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
