"""The HTTP binding of an operation in its provider's own style, besides the bus's `POST`: method, path and media types.

A binding is part of the contract, so that existing programs can later be mapped onto operations without loss. The gateway does not
serve bindings yet; they are checked, compared between versions and shown.

Fields of the request that the path template names are in the path. The others are in the query where the method has no body, and in the
body where it has one. Content other than JSON is a file of the bus: the document has its reference in the field that `file` points to.
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
_URL_TYPES = frozenset({"string", "integer", "number", "boolean"})


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a body.

    Args:
        media_types: one or more.
        file: the path of the field with the file's reference, where the body is not JSON.
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
        """List the fields of the request that are in the path."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def shape(self) -> tuple[str, str]:
        """Return method and path without the names of parameters; no two operations may have the same."""
        return self.method, _PARAMETER.sub("{}", self.path)


def read(
    content: Mapping[str, Any], request: Mapping[str, Any], response: Mapping[str, Any], where: SourceLocation
) -> HttpBinding:
    """Read the binding of an operation and check it against the operation's schemas.

    Args:
        content: the `http` of the operation, already valid by the schema of contracts.
        request: the schema of its request.
        response: the schema of its response.
        where: the location to name in a refusal.

    Raises:
        Refusal: `invalid-document`.
    """
    binding = HttpBinding(
        content["method"],
        content["path"],
        _content(content.get("request", {}), request, where / "request"),
        _content(content.get("response", {}), response, where / "response"),
    )
    _check_parameters(binding, request, where)
    return binding


def _content(content: Mapping[str, Any], schema: Mapping[str, Any], where: SourceLocation) -> Content:
    media_types = tuple(content.get("mediaTypes", (JSON,)))
    file = content.get("file")
    if file is None and any(media_type != JSON for media_type in media_types):
        raise (where / "file").refusal(
            "nội dung không phải JSON đi qua trục dưới dạng tệp; hãy trỏ file tới trường giữ tham chiếu của tệp",
            "content other than JSON passes the bus as a file; set `file` to the pointer of the field with its reference",
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
        raise (where / "path").refusal(
            "path có một tham số xuất hiện hai lần; hãy bỏ bớt một",
            "the path has one parameter twice; remove one of them",
        )
    for name in names:
        if name not in fields or name not in request.get("required", ()):
            raise (where / "path").refusal(
                f"tham số {name} phải là một trường bắt buộc của request",
                f"the parameter {name} must be a required field of the request",
            )
    url_fields = fields if binding.method in WITHOUT_BODY else names
    for name in url_fields:
        types = _types(_field(request, (name,)))
        if not types or not types <= _URL_TYPES:
            raise (where / "path").refusal(
                f"trường {name} nằm trong URL nên phải là string, integer, number hoặc boolean; hãy dùng phương thức có nội dung, như POST",
                f"the field {name} is part of the URL and must be a string, integer, number or boolean; use a method with a body, such as POST",
            )


def _field(schema: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    target: Any = schema
    for name in path:
        target = _resolve(schema, target).get("properties", {}).get(name)
    return _resolve(schema, target)


def _resolve(root: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    if isinstance(schema, Mapping) and "$ref" in schema:
        schema = resolve(schema["$ref"], root)
    return schema if isinstance(schema, Mapping) else {}


def _types(schema: Mapping[str, Any]) -> set[str]:
    declared = schema.get("type")
    if declared is None and "enum" in schema and all(isinstance(value, str) for value in schema["enum"]):
        return {"string"}
    return {declared} if isinstance(declared, str) else set(declared or ())
