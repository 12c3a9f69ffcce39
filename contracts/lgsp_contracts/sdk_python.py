"""A typed client of one service, as one Python module that needs the standard library alone.

Documents are TypedDicts: what a program sends is checked by its type checker before it is ever sent. Of an answer no field is
certain, since a grant may show fewer than the contract has; so each is optional there.
"""

import keyword
from collections.abc import Mapping
from typing import Any

from lgsp_contracts import pointers
from lgsp_contracts.contract import Contract, Operation

_BASIC = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}

_HEAD = '''\
"""Client of {service} {version}: {title}. Written by `lgsp sdk python`; change the contract, not this file."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Literal, NotRequired, TypedDict, cast  # noqa: F401
'''

_CLIENT = '''

class Problem(Exception):
    """A refusal of the bus (RFC 9457): branch on `code`, show `detail`, give `message` to the operator."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        self.status = status
        self.code = str(document.get("code", ""))
        self.detail = str(document.get("detail", document.get("title", "")))
        self.message = str(document.get("instance", ""))
        super().__init__(f"{{self.code}}: {{self.detail}}")


class {client}:
    """Calls the service.

    Args:
        url: where the bus is.
        token: gives the access token of the moment.
    """

    def __init__(self, url: str, token: Callable[[], str], timeout: float = 30.0) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._timeout = timeout

    def _call(self, operation: str, document: Any, purpose: str, idempotency_key: str) -> Any:
        headers = {{"Content-Type": "application/json", "Authorization": f"Bearer {{self._token()}}"}}
        headers |= {{"Lgsp-Purpose": purpose}} if purpose else {{}}
        headers |= {{"Idempotency-Key": idempotency_key}} if idempotency_key else {{}}
        url = f"{{self._url}}/services/{service}/v{major}/{{operation}}"
        request = urllib.request.Request(url, json.dumps(document).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            try:
                said = json.load(error)
            except ValueError:
                said = {{}}
            raise Problem(error.code, said) from None
'''

_METHOD = '''
    def {method}(self, request: {name}Request, *, purpose: str{default}, idempotency_key: str = "") -> {name}Response:
        """{title}.

        Raises:
            Problem: {errors}
        """
        return cast("{name}Response", self._call("{operation}", request, purpose, idempotency_key))
'''


def module(contract: Contract) -> str:
    """The text of the module."""
    kinds: list[str] = []
    methods: list[str] = []
    for name, operation in contract.operations.items():
        _Kinds(_pascal(name) + "Request", operation.request.document, kinds, certain=True).write()
        _Kinds(_pascal(name) + "Response", operation.response.document, kinds, certain=False).write()
        methods.append(_method(name, operation))
    told = {
        "service": contract.service,
        "version": contract.version,
        "major": contract.major,
        "title": contract.title.en,
    }
    client = _CLIENT.format(client=_pascal(contract.service), **told)
    return _HEAD.format(**told) + "".join(kinds) + client + "".join(methods)


def _method(name: str, operation: Operation) -> str:
    errors = ", ".join(operation.errors) or "as every call"
    return _METHOD.format(
        method=name.replace("-", "_"),
        name=_pascal(name),
        default="" if operation.classification == "personal" else ' = ""',
        title=operation.title.en,
        errors=errors,
        operation=name,
    )


class _Kinds:
    """The TypedDicts of one schema."""

    def __init__(self, name: str, schema: Mapping[str, Any], found: list[str], *, certain: bool) -> None:
        self._name = name
        self._root = schema
        self._found = found
        self._certain = certain
        self._named: dict[str, str] = {}

    def write(self) -> None:
        kind = self._kind(self._root, self._name)
        if kind != self._name:
            self._found.append(f"\n{self._name} = {kind}\n")

    def _kind(self, schema: Any, name: str) -> str:
        if not isinstance(schema, Mapping):
            return "Any"
        if "$ref" in schema:
            reference = str(schema["$ref"])
            if reference not in self._named:
                self._named[reference] = f"{self._name}{_pascal(reference.rpartition('/')[2])}"
                self._kind(pointers.find(self._root, pointers.split(reference[1:])), self._named[reference])
            return f'"{self._named[reference]}"'
        if "enum" in schema or "const" in schema:
            return f"Literal[{', '.join(map(repr, schema.get('enum', [schema.get('const')])))}]"
        if "properties" in schema:
            return self._document(schema, name)
        for choices in ("anyOf", "oneOf"):
            if choices in schema and "type" not in schema:
                return " | ".join(dict.fromkeys(self._kind(choice, name) for choice in schema[choices]))
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        return " | ".join(self._plain(kind, schema, name) for kind in kinds) or "Any"

    def _plain(self, kind: str, schema: Mapping[str, Any], name: str) -> str:
        if kind == "array":
            return f"list[{self._kind(schema.get('items'), name + 'Item')}]"
        return _BASIC.get(kind, "dict[str, Any]")

    def _document(self, schema: Mapping[str, Any], name: str) -> str:
        required = schema.get("required", ()) if self._certain else ()
        fields = {}
        for field, part in schema["properties"].items():
            kind = self._kind(part, name + _pascal(field))
            fields[field] = kind if field in required else f"NotRequired[{kind}]"
        if all(field.isidentifier() and not keyword.iskeyword(field) for field in fields):
            lines = "".join(f"    {field}: {kind}\n" for field, kind in fields.items()) or "    pass\n"
            self._found.append(f"\n\nclass {name}(TypedDict):\n{lines}")
        else:
            lines = ", ".join(f"{field!r}: {kind}" for field, kind in fields.items())
            self._found.append(f'\n\n{name} = TypedDict("{name}", {{{lines}}})\n')
        return name


def _pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.replace("_", "-").split("-"))
