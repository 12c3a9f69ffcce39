"""Drafts of manifests, from a contract for each kind.

What comes out is checked like any other manifest; what only the integrator knows (a path, a table, an element) is named after the
contract and has to be corrected.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from lgsp_contracts.contract import Contract, Operation

Document = dict[str, Any]
Schema = Mapping[str, Any]


def manifest(contract: Contract, kind: str, system: str = "") -> Document:
    """Draft a manifest that fills what a contract requires."""
    prefix = f"LGSP_{contract.service.replace('-', '_').upper()}"
    head: Document = {
        "service": contract.service,
        "major": contract.major,
        "system": system or contract.provider,
        "kind": kind,
    }
    if kind == "python":
        return {
            **head,
            "adapter": f"my_adapters.{contract.service.replace('-', '_')}:Service",
            "connection": {"url": {"env": f"{prefix}_URL"}},
        }
    if kind == "files":
        head |= {"connection": {"folder": {"env": f"{prefix}_FOLDER"}}, "files": {"pattern": "*.csv", "format": "csv"}}
    else:
        head["connection"] = {"url": {"env": f"{prefix}_URL"}}
    if kind == "soap":
        head["soap"] = {"namespace": f"http://example.vn/{contract.service}", "version": "1.1"}
    make = {"sql": _sql, "http": _http, "soap": _soap, "files": _files}[kind]
    return {**head, "operations": {name: make(operation) for name, operation in contract.operations.items()}}


def _request_fields(operation: Operation) -> list[str]:
    return list(operation.request.document.get("properties", {}))


def _none(operation: Operation) -> Document:
    code = next((code for code, kind in operation.errors.items() if kind.status == 404), "")
    return {"none": code} if code else {}


def _answer(schema: Schema, root: str, spelled: Any = str) -> Document:
    return {name: f"{root}.{quoted_field(spelled(name))}" for name in schema.get("properties", {})}


def _sql(operation: Operation) -> Document:
    wanted = operation.request.document.get("required") or _request_fields(
        operation
    )  # a part that is absent would find nothing
    names = {snake(name): name for name in wanted}
    columns = ", ".join(snake(name) for name in operation.response.document.get("properties", {})) or "*"
    where = " AND ".join(f"{column} = :{column}" for column in names) or "1 = 1"
    return {
        "statement": f"SELECT {columns} FROM {snake(operation.name)} WHERE {where}",  # noqa: S608 - a draft
        "parameters": {column: f"request.{quoted_field(name)}" for column, name in names.items()},
        **_none(operation),
        "answer": _answer(operation.response.document, "row", snake),
    }


def _http(operation: Operation) -> Document:
    body = {name: f"request.{quoted_field(name)}" for name in _request_fields(operation)}
    return {
        "path": f"/{operation.name}",
        "body": body,
        **_none(operation),
        "answer": _answer(operation.response.document, "answer"),
    }


def _soap(operation: Operation) -> Document:
    element = "".join(part.capitalize() for part in operation.name.split("-"))
    fields = {name: f"request.{quoted_field(name)}" for name in _request_fields(operation)}
    return {
        "element": element,
        "fields": fields,
        **_none(operation),
        "answer": _answer(operation.response.document, "answer"),
    }


def _files(operation: Operation) -> Document:
    wanted = operation.request.document.get("required") or _request_fields(operation)
    return {
        "find": {name: f"request.{quoted_field(name)}" for name in wanted},
        **_none(operation),
        "answer": _answer(operation.response.document, "row"),
    }


def quoted_field(name: str) -> str:
    """Quote a name within an expression, where it is more than a word."""
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else json.dumps(name, ensure_ascii=False)


def snake(name: str) -> str:
    """Convert a name to how databases write it: `soDinhDanh` → `so_dinh_danh`."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()).strip("_")
