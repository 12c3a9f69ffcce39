"""Names: what is one, in code and in the schemas of documents alike."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lgsp_contracts import names
from lgsp_problems import Refusal

BAD = [
    *(
        "",
        "*",
        ">",
        ".",
        "..",
        "../x",
        "a.b",
        "a b",
        " a",
        "a ",
        "a\t",
        "a\r\nb",
        "a\n",
        "\x00",
        "a\x00",
        "%00",
        "%2e%2e",
        "/",
        "a/b",
    ),
    *(
        "\\",
        "a\\b",
        "đ",
        "Ａ",
        "А",
        "a\u202eb",
        "\ud800",
        "x" * 4200,
        "-a",
        "a-",
        "a--b",
        "A",
        "1a",
        "~",
        "$SYS",
        "_INBOX",
        "a\u200b",
    ),
]
PLAIN: list[Callable[[str], str]] = [
    *(
        names.system_name,
        names.service_name,
        names.operation_name,
        names.event_name,
        names.grant_name,
        names.purpose_name,
    ),
    *(lambda text, kind=kind: names.document_name(kind, text) for kind in ("System", "Service", "Grant")),
]


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_name_is_refused_with_a_sentence_that_does_not_repeat_it(bad: str) -> None:
    for read in (*PLAIN, names.agency_code, names.message_id, lambda text: names.document_name("Agency", text)):
        with pytest.raises(Refusal) as refused:
            read(bad)
        assert refused.value.code == "malformed"
        assert refused.value.detail.en.endswith("correct it.") or "copy it" in refused.value.detail.en
        assert len(bad) < 3 or bad not in refused.value.detail.en
    if bad not in ("A", "1a"):
        with pytest.raises(Refusal):
            names.gateway_name(bad) if bad != "a--b" else names.gateway_name("-" + bad)
    with pytest.raises(Refusal):
        names.major(bad)


def test_names_as_they_are_in_use() -> None:
    for good in ("mot-cua", "population", "a", "a1-b2", "x" * 63):
        assert all(read(good) == good for read in PLAIN)
    for code in ("H49", "H49.12", "G01.2.300", "H49.1.2.3"):
        assert names.agency_code(code) == names.document_name("Agency", code) == code
    for gateway in ("gw-1", "GW_1", "lgsp-gateway-7d9f-xk2", "1"):
        assert names.gateway_name(gateway) == gateway
    assert names.major("12") == 12
    assert names.message_id("01a2b3c4-0000-7000-8000-00000000abcd")


@given(st.text())
@example("a\n")
def test_a_name_is_one_token_of_a_subject_one_part_of_a_path_and_one_file(text: str) -> None:
    for read in (*PLAIN, names.gateway_name):
        try:
            held = read(text)
        except Refusal:
            continue
        assert held.isascii()
        assert held.isprintable()
        assert not set(held) & set(" .*>/\\%:?#&=+$~'\"")


def test_the_schemas_of_documents_say_the_same() -> None:
    found: list[Any] = []
    for package, pattern in (("lgsp_contracts", "*.schema.json"), ("lgsp_adapters", "*.schema.json")):
        for file in files(package).iterdir():
            if file.name.endswith(pattern.removeprefix("*")):
                schema = json.loads(file.read_text(encoding="utf-8"))
                found += [schema["$defs"]["name"]] if "name" in schema.get("$defs", {}) else []
    assert len(found) == 3
    assert all(name == {"type": "string", "pattern": names.NAME_PATTERN, "maxLength": names.MAX_NAME} for name in found)
