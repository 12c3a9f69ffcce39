"""How an operation would be called in a provider's own HTTP style, beside the bus's `POST`: method, path and media types.

A binding is part of the promise of a contract, so that other faces of the bus can map programs that exist onto operations without loss. The
gateway does not serve bindings yet; they are checked, compared between versions and shown.

Fields of the request go into the path where its template names them. The others go into the query where the method has no body, and
into the body where it has one. Content that is no JSON is a file of the bus: the document holds its reference, in the field that `file` points to.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_contracts import pointers
from lgsp_contracts.formats import FILE_REFERENCE
from lgsp_contracts.references import resolve
from lgsp_contracts.source_location import SourceLocation

JSON = "application/json"
WITHOUT_BODY = frozenset({"GET", "DELETE"})

_PARAMETER = re.compile(r"\{([^{}]+)\}")
_IN_A_URL = frozenset({"string", "integer", "number", "boolean"})


@dataclass(frozen=True, slots=True)
class Content:
    """What a body may be.

    Args:
        media_types: one or more of them.
        file: the path of the field that holds the reference of a file, where the body is no JSON.
    """

    media_types: tuple[str, ...] = (JSON,)
    file: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class HttpBinding:
    """Method, path template and media types of an operation.

    Args:
        path: begins with a slash; `{name}` stands for a field of the request.
    """

    method: str
    path: str
    request: Content
    response: Content

    @property
    def parameters(self) -> tuple[str, ...]:
        """List the fields of the request that stand in the path."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def shape(self) -> tuple[str, str]:
        """Give what tells the binding from others: method and path, without the names of parameters."""
        return self.method, _PARAMETER.sub("{}", self.path)


def read(
    told: Mapping[str, Any], request: Mapping[str, Any], response: Mapping[str, Any], where: SourceLocation
) -> HttpBinding:
    """Read the binding of an operation and hold it against the schemas of the operation.

    Args:
        told: the `http` of the operation, which keeps the schema of contracts.
        request: the schema of its request.
        response: the schema of its answer.
        where: what to call the binding in a refusal.

    Raises:
        Refusal: `invalid-document`.
    """
    binding = HttpBinding(
        told["method"],
        told["path"],
        _content(told.get("request", {}), request, where / "request"),
        _content(told.get("response", {}), response, where / "response"),
    )
    _check_parameters(binding, request, where)
    return binding


def _content(told: Mapping[str, Any], schema: Mapping[str, Any], where: SourceLocation) -> Content:
    media_types = tuple(told.get("mediaTypes", (JSON,)))
    file = told.get("file")
    if file is None and any(media_type != JSON for media_type in media_types):
        raise (where / "file").refusal(
            "nội dung không phải JSON đi qua trục dưới dạng tệp; hãy trỏ file tới trường giữ tham chiếu của tệp",
            "content that is no JSON passes the bus as a file; point `file` to the field that holds its reference",
        )
    path = pointers.split(file) if file is not None else None
    if path is not None and _field(schema, path).get("format") != FILE_REFERENCE:
        raise (where / "file").refusal(
            f"phải trỏ tới một trường có format: {FILE_REFERENCE} trong lược đồ",
            f"must point to a field of the schema with format: {FILE_REFERENCE}",
        )
    return Content(media_types, path)


def _check_parameters(binding: HttpBinding, request: Mapping[str, Any], where: SourceLocation) -> None:
    names, fields = binding.parameters, request.get("properties", {})
    if len(set(names)) < len(names):
        raise (where / "path").refusal("một tham số đứng hai lần trong path", "a parameter stands in the path twice")
    for name in names:
        if name not in fields or name not in request.get("required", ()):
            raise (where / "path").refusal(
                f"tham số {name} phải là một trường bắt buộc của request",
                f"the parameter {name} must be a required field of the request",
            )
    in_the_url = fields if binding.method in WITHOUT_BODY else names
    for name in in_the_url:
        types = _types(_field(request, (name,)))
        if not types or not types <= _IN_A_URL:
            raise (where / "path").refusal(
                f"trường {name} đi trong địa chỉ nên phải là string, integer, number hoặc boolean; hãy dùng phương thức có nội dung, như POST",
                f"the field {name} goes into the address and must be a string, integer, number or boolean; use a method with a body, such as POST",
            )


def _field(schema: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = schema
    for name in path:
        found = _resolved(schema, found).get("properties", {}).get(name)
    return _resolved(schema, found)


def _resolved(root: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    if isinstance(schema, Mapping) and "$ref" in schema:
        schema = resolve(schema["$ref"], root)
    return schema if isinstance(schema, Mapping) else {}


def _types(schema: Mapping[str, Any]) -> set[str]:
    named = schema.get("type")
    if named is None and "enum" in schema and all(isinstance(value, str) for value in schema["enum"]):
        return {"string"}
    return {named} if isinstance(named, str) else set(named or ())
