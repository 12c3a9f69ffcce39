"""What the folder of a connector must have, whoever wrote it: entry points, a schema whose keys are described, and a README that says the same."""

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from lgsp_adapters import connector_folders
from lgsp_adapters.conformance.result import ConformanceResult
from lgsp_adapters.connectors import manifest_keys
from lgsp_contracts.schemas import Schema
from lgsp_problems import Refusal

SHARED_KEYS = ("service", "major", "system", "kind", "concurrency", "connection")
"""Keys that the schema of a connector lists, since it allows no others."""

_EXAMPLE = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


def check_folder(kind: str) -> list[ConformanceResult]:
    """Check the folder of a connector, without a system.

    Args:
        kind: the name of the connector, as a manifest gives it.

    Raises:
        CannotStart: the package that brings it cannot be loaded.
    """
    module, folder = connector_folders.module(kind), connector_folders.folder(kind)
    results = [
        _result(f"connector.py has {name}(manifest, contract)", *_takes_both(module, name))
        for name in ("build", "check")
    ]
    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    return [*results, *_check_schema(kind, schema), *_check_readme(kind, schema, folder)]


def _result(what: str, passed: bool, outcome: str) -> ConformanceResult:
    return ConformanceResult("", what, passed, outcome)


def _takes_both(module: Any, name: str) -> tuple[bool, str]:
    function: Callable[..., object] | None = getattr(module, name, None)
    if not callable(function):
        return False, "it is missing"
    try:
        inspect.signature(function).bind(None, None)
    except TypeError as error:
        return False, str(error)
    return True, "it has"


def _check_schema(kind: str, schema: Mapping[str, Any]) -> Iterator[ConformanceResult]:
    try:
        complete_schema(schema)
        yield _result("schema.json is a JSON Schema", True, "it is")
    except Refusal as refusal:
        yield _result("schema.json is a JSON Schema", False, refusal.detail.en)
        return
    missing = [key for key in SHARED_KEYS if key not in schema.get("properties", {})]
    yield _result("schema.json lists the keys of all manifests", not missing, ", ".join(missing) or "all of them")
    closed = schema.get("additionalProperties") is False
    yield _result(
        "schema.json refuses unknown keys", closed, "it does" if closed else "set additionalProperties: false"
    )
    undescribed = [key.path for key in manifest_keys.keys(kind) if not key.description]
    yield _result("schema.json describes each key", not undescribed, ", ".join(undescribed) or "all of them")


def _check_readme(kind: str, schema: Mapping[str, Any], folder: Traversable) -> Iterator[ConformanceResult]:
    file = folder / "README.md"
    if not file.is_file():
        yield _result("README.md documents the connector", False, "it is missing")
        return
    text = file.read_text(encoding="utf-8")
    unnamed = [key.path for key in manifest_keys.keys(kind) if f"`{key.path}`" not in text]
    yield _result("README.md names each key", not unnamed, ", ".join(unnamed) or "all of them")
    example = _EXAMPLE.search(text)
    try:
        document = yaml.safe_load(example[1]) if example else None
    except yaml.YAMLError as error:
        document, example = None, None
        yield _result("the example of README.md is YAML", False, type(error).__name__)
    violations = complete_schema(schema).violations(document)
    outcome = "; ".join(f"{violation.pointer or '/'} {violation.message.en}" for violation in violations)
    yield _result(
        "README.md has an example that keeps the schema", example is not None and not violations, outcome or "it has"
    )


def complete_schema(schema: Mapping[str, Any]) -> Schema:
    """Compile the schema of a connector with the definitions that all connectors share.

    Raises:
        Refusal: `invalid-document`, where it is no JSON Schema.
    """
    shared = json.loads(files("lgsp_adapters").joinpath("manifest.schema.json").read_text(encoding="utf-8"))
    return Schema({**schema, "$defs": {**shared["$defs"], **schema.get("$defs", {})}}, "schema.json")


def readme_table(kind: str) -> str:
    """Make the table of a connector's keys for its README, in Markdown."""
    rows = [
        f"| `{key.path}` | {key.type} | {'required' if key.required else key.default and f'`{key.default}`'} | {key.description} |"
        for key in manifest_keys.keys(kind)
    ]
    return "\n".join(["| key | type | default | meaning |", "| --- | --- | --- | --- |", *rows, ""])
