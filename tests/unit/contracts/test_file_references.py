"""Which strings of a document refer to files, what limits them, and how limits may change."""

from typing import Any

import pytest

from lgsp_contracts.compatibility.inclusion import differences
from lgsp_contracts.file_references import FileLimits, find_references, format_size, parse_size
from lgsp_contracts.schemas import Schema
from lgsp_problems import Refusal

ONE, TWO = (f"/files/01a2b3c4-0000-7000-8000-00000000000{number}" for number in (1, 2))
PDF = {"mediaTypes": ["application/pdf"], "maxSize": "2MiB"}


def file(**limits: Any) -> dict[str, Any]:
    return {"type": "string", "format": "file-reference", **({"x-lgsp-file": limits} if limits else {})}


def found(schema: dict[str, Any], document: Any) -> dict[str, str]:
    compiled = Schema(schema, "test")
    assert compiled.has_files
    assert compiled.is_valid(document), compiled.violations(document)
    return {one.pointer: one.file[-1] for one in find_references(schema, document)}


def fields(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "document", "expected"),
    [
        (fields(a=file(), b={"type": "string"}), {"a": ONE, "b": TWO}, {"/a": "1"}),
        (fields(a={"type": "array", "items": file()}), {"a": [ONE, TWO]}, {"/a/0": "1", "/a/1": "2"}),
        (fields(a={"anyOf": [{"type": "null"}, file()]}), {"a": ONE}, {"/a": "1"}),
        (fields(a={"anyOf": [{"type": "null"}, file()]}), {"a": None}, {}),
        ({**fields(a={"$ref": "#/$defs/f"}), "$defs": {"f": file()}}, {"a": ONE}, {"/a": "1"}),
        ({"type": "object", "patternProperties": {"^tep": file()}}, {"tep1": ONE, "x": TWO}, {"/tep1": "1"}),
        ({"type": "object", "additionalProperties": file()}, {"x": ONE}, {"/x": "1"}),
        ({"type": "array", "prefixItems": [{"type": "string"}, file()]}, [ONE, TWO], {"/1": "2"}),
        ({**fields(k={"type": "string"}), "if": {}, "then": fields(a=file())}, {"a": ONE}, {"/a": "1"}),
        (
            {"$ref": "#/$defs/n", "$defs": {"n": fields(f=file(), n={"$ref": "#/$defs/n"})}},
            {"n": {"f": ONE}},
            {"/n/f": "1"},
        ),
    ],
)
def test_references_are_found_by_the_schema(schema: dict[str, Any], document: Any, expected: dict[str, str]) -> None:
    assert found(schema, document) == expected


def test_limits_are_those_of_each_schema_that_applies() -> None:
    schema = fields(a={"allOf": [file(**PDF), file(maxSize="1KiB")]})
    [reference] = find_references(schema, {"a": ONE})
    assert set(reference.limits) == {FileLimits(("application/pdf",), 2 << 20), FileLimits((), 1024)}
    assert FileLimits(("image/*",)).allows_type("image/png")
    assert not FileLimits(("image/*",)).allows_type("application/pdf")


@pytest.mark.parametrize(
    "limits",
    [{}, {"maxSize": 5}, {"maxSize": "5 MB"}, {"mediaTypes": []}, {"mediaTypes": ["PDF"]}, {"size": "1MiB"}],
)
def test_limits_that_mean_nothing_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="x-lgsp-file"):
        Schema(fields(a={"type": "string", "format": "file-reference", "x-lgsp-file": limits}), "test")
    with pytest.raises(Refusal, match="beside format"):
        Schema(fields(a={"type": "string", "x-lgsp-file": PDF}), "test")


def test_limits_may_not_become_narrower() -> None:
    assert differences(fields(a=file(**PDF)), fields(a=file(**PDF))) == []
    assert differences(fields(a=file(maxSize="1MiB")), fields(a=file(maxSize="2MiB"))) == []
    assert differences(fields(a=file(**PDF)), fields(a=file())) == []
    for wide, narrow in ((file(maxSize="2MiB"), file(maxSize="1MiB")), (file(), file(**PDF))):
        [difference] = differences(fields(a=wide), fields(a=narrow))
        assert difference.path == ("properties", "a", "x-lgsp-file")


@pytest.mark.parametrize("size", ["500KiB", "20MiB", "50GiB"])
def test_sizes_are_written_as_contracts_write_them(size: str) -> None:
    assert format_size(parse_size(size)) == size


def test_other_sizes_are_rounded() -> None:
    sizes = (0, 900, 1536, (20 << 30) + 1)
    assert [format_size(size) for size in sizes] == ["0B", "900B", "1.5KiB", "20GiB"]
