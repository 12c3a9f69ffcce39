"""Refuses a contract about whose documents two independent validators disagree.

A contract is handed to programs in many languages, each with a validator of its own. Where jsonschema-rs, by which the bus decides, and
jsonschema give different verdicts, the contract says something that its readers understand differently; that is mended before
it is published, while nobody depends on it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from lgsp_contracts import exact_json, pointers, references
from lgsp_contracts.agreement import python_validator
from lgsp_contracts.agreement.probes import Probe, probes
from lgsp_contracts.agreement.python_validator import SlowPatternError
from lgsp_contracts.contract import Contract
from lgsp_contracts.portable_patterns import portable
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import ContractAmbiguous, Text, Violation

MAX_VALUES = 30_000
"""Values of documents that are judged for one contract, each counted as often as schemas apply to it; about half a second."""

MAX_PROBES = 600
"""Documents that are judged for one schema."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_DEPENDENCIES_HINT = Text(
    "hãy dùng dependentRequired hoặc dependentSchemas", "use dependentRequired or dependentSchemas instead"
)
_OTHER_HINT = Text("hãy viết quy tắc này bằng từ khóa khác", "express the rule with other keywords")


def check(contract: Contract, where: str | SourceLocation) -> None:
    """Judge the examples of a contract and documents generated from it with both validators.

    The work is bounded by a count and not by time, so the verdict is the same everywhere.

    Args:
        where: the location of the contract, for the refusal.

    Raises:
        ContractAmbiguous: the two disagree about a document, or jsonschema cannot evaluate a pattern. The refusal names the keyword in
            the contract and the place in the document.
    """
    parts = list(_parts(contract, SourceLocation.of(where)))
    judged = set()
    for location, schema, example in parts:
        content = exact_json.dumps([schema.document, example])
        if content not in judged:  # operations share their schemas
            _check_schema(schema, example, location, MAX_VALUES // len(parts))
        judged.add(content)


def _parts(contract: Contract, where: SourceLocation) -> Iterator[tuple[SourceLocation, Schema, Any]]:
    for name, operation in contract.operations.items():
        location = where / "operations" / name
        yield location / "request", operation.request, operation.example.request
        yield location / "response", operation.response, operation.example.response
    for name, event in contract.events.items():
        yield where / "events" / name / "data", event.data, event.example


def _check_schema(schema: Schema, example: Any, where: SourceLocation, max_values: int) -> None:
    _refuse_other_dialect(schema.document, where)
    for path, pattern in _patterns(schema.document, ()):
        _refuse_unreadable_pattern(pattern, where.at(pointers.join(path)))
    document = schema.document
    loads = exact_json.loads if schema.needs_exact_numbers else orjson.loads
    second = python_validator.validator(loads(exact_json.dumps(document)))
    times_applied = schema.effort.schemas_per_value or max_values
    left = max_values
    for number, probe in enumerate(probes(schema, example)):
        content = exact_json.dumps(probe.document)
        # The example is judged whatever it costs; of the rest as much as the count allows.
        left -= times_applied * _count_values(probe.document)
        if number and (left < 0 or number == MAX_PROBES):
            return
        judged = Probe(loads(content), probe.pointer, probe.what)
        try:
            _compare(schema, second, judged, where)
        except SlowPatternError as slow:
            location = where.at(_pointer_of_pattern(document, slow.pattern))
            raise _slow(location) from slow
        except RecursionError as error:
            raise _ambiguous(
                where,
                "jsonschema không đánh giá được: lược đồ tự tham chiếu vô hạn; hãy bỏ vòng $ref",
                "jsonschema cannot evaluate it: the schema refers to itself without end; remove the circle of $ref",
            ) from error


def _compare(schema: Schema, second: Any, probe: Probe, where: SourceLocation) -> None:
    by_first = schema.is_valid(probe.document)
    error = next(second.iter_errors(probe.document), None)
    if by_first == (error is None):
        return
    if error is None:
        violation = schema.violations(probe.document)[0]
        keyword_path: Sequence[str | int] = pointers.split(violation.rule)
        value_pointer = violation.pointer
    else:
        keyword_path, value_pointer = list(error.absolute_schema_path), pointers.join(error.absolute_path)
    refuses, accepts = ("jsonschema", "jsonschema-rs") if by_first else ("jsonschema-rs", "jsonschema")
    pointer = _in_document(schema.document, keyword_path)
    hint = _hint(schema.document, pointer)
    place = value_pointer or "/"
    raise _ambiguous(
        where.at(pointer),
        f"hai bộ kiểm tra hiểu khác nhau: với {probe.what.vi} ở {probe.pointer or '/'} của tài liệu, {refuses} từ chối {place} còn {accepts} chấp nhận; {hint.vi}",
        f"two validators understand it differently: with {probe.what.en} at {probe.pointer or '/'} of the document, {refuses} refuses {place} and {accepts} accepts it; {hint.en}",
        Violation(
            value_pointer,
            pointer,
            Text(f"{refuses} từ chối, {accepts} chấp nhận", f"{refuses} refuses it, {accepts} accepts it"),
        ),
    )


def _hint(schema: Any, pointer: str) -> Text:
    """Say what to write instead of the keyword at a pointer."""
    path = pointers.split(pointer)
    if "dependencies" in path:
        return _DEPENDENCIES_HINT
    pattern = pointers.find(schema, path)
    rewritten = portable(pattern) if path[-1:] == ("pattern",) and isinstance(pattern, str) else None
    if rewritten and rewritten != pattern:
        return Text(f"hãy viết {rewritten}", f"write {rewritten}")
    return _OTHER_HINT


def _refuse_other_dialect(schema: Mapping[str, Any], where: SourceLocation) -> None:
    """Refuse a schema that names another dialect than that of the bus: its readers would go by the rules of that one."""
    if schema.get("$schema", _DIALECT).rstrip("#") != _DIALECT:
        raise _ambiguous(
            where / "$schema",
            f"trục đánh giá theo {_DIALECT}, còn chương trình khác sẽ theo phiên bản nêu ở đây; hãy bỏ $schema hoặc nêu đúng phiên bản đó",
            f"the bus judges by {_DIALECT}, other programs by the dialect that is named here; remove $schema, or name that one",
        )


def _refuse_unreadable_pattern(pattern: str, location: SourceLocation) -> None:
    try:
        python_validator.compiled_pattern(pattern)
    except re.error as error:
        raise _ambiguous(
            location,
            r"jsonschema (Python) không đọc được mẫu này; hãy viết mẫu mà mọi ngôn ngữ đều đọc được, không dùng \p{…}, nhóm có tên hay cờ: chẳng hạn [A-Za-zÀ-ỹ] cho chữ cái tiếng Việt",
            r"jsonschema (Python) cannot read this pattern; write one that every language reads, without \p{…}, named groups or flags: for instance [A-Za-zÀ-ỹ] for Vietnamese letters",
        ) from error


def _slow(location: SourceLocation) -> ContractAmbiguous:
    return _ambiguous(
        location,
        "bộ kiểm tra của các ngôn ngữ khác có thể chạy mãi với mẫu này; hãy bỏ các phép lặp lồng nhau như (a+)+",
        "validators of other languages can run for ever with this pattern; remove repetitions within repetitions, such as (a+)+",
    )


def _ambiguous(location: SourceLocation, vi: str, en: str, *violations: Violation) -> ContractAmbiguous:
    return ContractAmbiguous(vi=f"{location}: {vi}.", en=f"{location}: {en}.", violations=violations)


def _patterns(schema: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the patterns of a schema with their paths, also those that stand where no schema is looked for, such as in an `enum`."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from _patterns(item, (*path, index))
    if not isinstance(schema, Mapping):
        return
    if isinstance(schema.get("pattern"), str):
        yield (*path, "pattern"), schema["pattern"]
    by_name = schema.get("patternProperties")
    for pattern in by_name if isinstance(by_name, Mapping) else ():
        yield (*path, "patternProperties", pattern), pattern
    for name, part in schema.items():
        if name not in ("const", "enum", "default", "examples"):
            yield from _patterns(part, (*path, name))


def _pointer_of_pattern(schema: Any, pattern: str) -> str:
    return next(pointers.join(path) for path, found in _patterns(schema, ()) if found == pattern)


def _in_document(schema: Any, evaluation_path: Sequence[str | int]) -> str:
    """Return the pointer of a keyword in the document, given the path of its evaluation, which runs through references."""
    path: tuple[str | int, ...] = ()
    part = schema
    for step in evaluation_path:
        if step == "$ref" and isinstance(part, Mapping) and isinstance(part.get("$ref"), str):
            target = references.resolve(part["$ref"], schema)
            if target is not None:
                path, part = pointers.split(part["$ref"][1:]), target
                continue
        path = (*path, step)
        if isinstance(part, Mapping):
            part = part.get(str(step))
        elif isinstance(part, list) and str(step).isdecimal() and int(step) < len(part):
            part = part[int(step)]
        else:
            part = None
    return pointers.join(path)


def _count_values(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_count_values, children))
