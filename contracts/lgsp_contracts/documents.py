"""Documents that people write (contracts, registry documents, adapter manifests): YAML, checked by JSON Schema.

The schema of each kind is `<kind>.schema.json` beside this module, so that editors can use it too.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import yaml

from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import DocumentRefusal, SourceLocation
from lgsp_problems import Refusal, Text, Violation

_NO_FIELD = Text("không phải là trường hợp lệ; hãy kiểm tra chính tả", "is not a known field; check its spelling")


class _Loader(yaml.CSafeLoader):
    """Safe YAML whose dates stay text (documents are JSON) and whose keys are unique."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.MarkedYAMLError(problem=f"duplicate key {key!r}", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> list[tuple[SourceLocation, Any]]:
    """Read the documents of one YAML file, each with its location for messages: `file.yaml` or `file.yaml, document 2`.

    Raises:
        Refusal: `invalid-document`, with file and line, when it is not YAML or cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        parsed = [document for document in yaml.load_all(text, _Loader) if document is not None]
        orjson.dumps(parsed)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _unreadable(path, f"dòng {line}: {error.problem}", f"line {line}: {error.problem}") from error
    except TypeError as error:
        raise _unreadable(path, "mọi khóa phải là chuỗi ký tự", "every key must be a string; quote it") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, f"không đọc được: {error}", f"cannot be read: {error}") from error
    if len(parsed) == 1:
        return [(SourceLocation(str(path), (), text), parsed[0])]
    return [
        (SourceLocation(f"{path}, document {number}", (), text, number - 1), document)
        for number, document in enumerate(parsed, 1)
    ]


def read_first(path: Path) -> tuple[SourceLocation, Any]:
    """Read the first document of a YAML file, and its location; None where the file is empty.

    Raises:
        Refusal: `invalid-document`, as for `read`.
    """
    [first, *_] = read(path) or [(SourceLocation(str(path)), None)]
    return first


def read_folder(folder: Path) -> Iterator[tuple[SourceLocation, Any]]:
    """Read the documents of all `*.yaml` files below a folder, in the order of their paths."""
    for path in sorted(folder.rglob("*.yaml")):
        yield from read(path)


def check(kind: str, document: Any, where: str | SourceLocation) -> None:
    """Check a document against the schema of its kind.

    Raises:
        Refusal: `invalid-document` with all violations; its text names the first.
    """
    check_against(_schema_of(kind), document, where)


def _generalised(violation: Violation) -> Violation:
    """Replace the message for an unknown field, which mentions a contract, by one that fits every kind of document."""
    return replace(violation, message=_NO_FIELD) if violation.rule.endswith("/additionalProperties") else violation


def check_against(rules: Schema, document: Any, where: str | SourceLocation) -> None:
    """Check a document against a schema.

    Raises:
        Refusal: `invalid-document` with all violations; its text names the first.
    """
    violations = [_generalised(violation) for violation in rules.violations(document)]
    if violations:
        first = violations[0]
        location = SourceLocation.of(where).at(first.pointer)
        raise Refusal(
            "invalid-document",
            vi=f"{location}: {first.message.vi}.",
            en=f"{location}: {first.message.en}.",
            violations=violations,
        )


def faults_against(rules: Schema, document: Any, location: SourceLocation) -> list[DocumentRefusal]:
    """List what in a document breaks a schema, each with its place."""
    violations = map(_generalised, rules.violations(document))
    return [location.at(each.pointer).refusal(each.message.vi, each.message.en) for each in violations]


@cache
def _schema_of(kind: str) -> Schema:
    text = files("lgsp_contracts").joinpath(f"{kind}.schema.json").read_text(encoding="utf-8")
    return Schema(json.loads(text), f"{kind}.schema.json")


def _unreadable(path: Path, vi: str, en: str) -> DocumentRefusal:
    return SourceLocation(str(path)).refusal(vi, en)
