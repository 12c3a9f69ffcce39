"""A typed client of one service, as one Python module that needs only the standard library.

Everything in a contract is untrusted text: it enters the module as a literal, as escaped text of a docstring, or as a name made of
letters and digits. Documents are TypedDicts, so that a type checker checks what a program sends. Every field of a response is
optional, since a grant may show fewer fields than the contract has.
"""

import keyword
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lgsp_contracts import references
from lgsp_contracts.contract import Contract, Operation
from lgsp_problems import on_one_line

_BASIC = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}

_HEAD = '''\
"""Client of {service} {version}: {title} Written by `lgsp sdk python`; change the contract, not this file."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Literal, NotRequired, TypedDict, cast  # noqa: F401
'''

_CLIENT = '''

class Problem(Exception):
    """A refusal of the bus (RFC 9457): branch on `code`, show `detail`, give `message` to the operator.

    `errors` lists what is wrong in the document: `pointer` says where (a JSON Pointer), `message` what.
    """

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        self.status = status
        self.code = str(document.get("code", ""))
        self.detail = str(document.get("detail", document.get("title", "")))
        self.message = str(document.get("instance", "")).removeprefix("urn:uuid:")
        self.errors: list[dict[str, str]] = document.get("errors", [])
        super().__init__(f"{{self.code}}: {{self.detail}}")


class {client}:
    """A client of the service.

    Args:
        url: the address of the bus.
        token: returns the current access token.
    """

    def __init__(self, url: str, token: Callable[[], str], timeout: float = 30.0) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._last = threading.local()

    @property
    def last_message(self) -> str:
        """The message id of the last call that this thread made and that succeeded; empty where it failed. Store it with the answer."""
        return str(getattr(self._last, "message", ""))

    def _call(self, operation: str, document: Any, purpose: str, idempotency_key: str) -> Any:
        headers = {{"Content-Type": "application/json", "Authorization": f"Bearer {{self._token()}}"}}
        headers |= {{"Lgsp-Purpose": purpose}} if purpose else {{}}
        headers |= {{"Idempotency-Key": idempotency_key}} if idempotency_key else {{}}
        url = f"{{self._url}}/services/{service}/v{major}/{{operation}}"
        request = urllib.request.Request(url, json.dumps(document).encode(), headers)
        self._last.message = ""
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                answer = json.load(response)
                self._last.message = response.headers.get("Lgsp-Message-Id", "")
                return answer
        except urllib.error.HTTPError as error:
            try:
                problem = json.load(error)
            except ValueError:
                problem = {{}}
            raise Problem(error.code, problem) from error
'''

_METHOD = '''
    def {method}(self, request: {request_type}, *, purpose: str{default}, idempotency_key: str = "") -> {response_type}:
        """{title}

        Raises:
            Problem: {errors}
        """
        return cast("{response_type}", self._call("{operation}", request, purpose, idempotency_key))
'''


def module(contract: Contract) -> str:
    """Write the source of the client module for a contract."""
    definitions: list[str] = []
    methods: list[str] = []
    client_name = _client(contract.service)
    used_names = {*_OWN, client_name}
    for name, operation in contract.operations.items():
        request_type = _unused(_pascal(name) + "Request", used_names)
        response_type = _unused(_pascal(name) + "Response", used_names)
        _TypeDefinitions(request_type, operation.request.document, definitions, used_names, certain=True).write()
        _TypeDefinitions(response_type, operation.response.document, definitions, used_names, certain=False).write()
        methods.append(_method(operation, request_type, response_type))
    context = {
        "service": contract.service,
        "version": contract.version,
        "major": contract.major,
        "title": _words(contract.title.en),
    }
    client = _CLIENT.format(client=client_name, **context)
    return _HEAD.format(**context) + "".join(definitions) + client + "".join(methods)


def _method(operation: Operation, request_type: str, response_type: str) -> str:
    errors = _words(", ".join(operation.errors) or "as every call")
    return _METHOD.format(
        method=_method_name(operation.name),
        request_type=request_type,
        response_type=response_type,
        default="" if operation.classification == "personal" else ' = ""',
        title=_words(operation.title.en),
        errors=errors,
        operation=operation.name,
    )


class _TypeDefinitions:
    """Writes the type definitions of one schema: a TypedDict for each object, an alias for anything else."""

    def __init__(
        self, name: str, schema: Mapping[str, Any], definitions: list[str], used_names: set[str], *, certain: bool
    ) -> None:
        self._name = name
        self._root = schema
        self._definitions = definitions
        self._used_names = used_names
        self._certain = certain
        self._name_of_reference: dict[str, str] = {}

    def write(self) -> None:
        kind = self._kind(self._root, self._name, own=True)
        if kind != self._name:
            self._definitions.append(f"\n{self._name} = {kind}\n")

    def _kind(self, schema: Any, name: str, *, own: bool = False) -> str:
        """Write the type of the values that a schema allows. `own` says that `name` is reserved for it already."""
        if not isinstance(schema, Mapping):
            return "Any"
        if "$ref" in schema:
            reference = str(schema["$ref"])
            if reference not in self._name_of_reference:
                name_wanted = f"{self._name}{_pascal(reference.rpartition('/')[2])}"
                self._name_of_reference[reference] = _unused(name_wanted, self._used_names)
                target = references.resolve(reference, self._root)
                kind = self._kind(target, self._name_of_reference[reference], own=True)
                if kind != self._name_of_reference[reference]:
                    self._definitions.append(f"\n{self._name_of_reference[reference]} = {kind}\n")
            return f'"{self._name_of_reference[reference]}"'
        if "enum" in schema or "const" in schema:
            return _literal(schema.get("enum", [schema.get("const")]))
        if "properties" in schema:
            return self._document(schema, name, own=own)
        for choices in ("anyOf", "oneOf"):
            if choices in schema and "type" not in schema:
                return " | ".join(dict.fromkeys(self._kind(choice, name + "Choice") for choice in schema[choices]))
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        return " | ".join(self._plain(kind, schema, name) for kind in kinds) or "Any"

    def _plain(self, kind: str, schema: Mapping[str, Any], name: str) -> str:
        if kind == "array":
            return f"list[{self._kind(schema.get('items'), name + 'Item')}]"
        return _BASIC.get(kind, "dict[str, Any]")

    def _document(self, schema: Mapping[str, Any], name: str, *, own: bool) -> str:
        name = name if own else _unused(name, self._used_names)
        required = schema.get("required", ()) if self._certain else ()
        fields = {}
        for field, part in schema["properties"].items():
            kind = self._kind(part, name + _pascal(field))
            fields[field] = kind if field in required else f"NotRequired[{kind}]"
        if all(map(_is_attribute, fields)):
            lines = "".join(f"    {field}: {kind}\n" for field, kind in fields.items()) or "    pass\n"
            self._definitions.append(f"\n\nclass {name}(TypedDict):\n{lines}")
        else:
            lines = ", ".join(f"{field!r}: {kind}" for field, kind in fields.items())
            self._definitions.append(f'\n\n{name} = TypedDict("{name}", {{{lines}}})\n')
        return name


_OWN = ("Any", "Callable", "Literal", "NotRequired", "Problem", "TypedDict")
"""Names that the module itself uses."""


def _client(service: str) -> str:
    name = _pascal(service)
    return name + "Client" if name in (*_OWN, "None", "True", "False", "Exception") else name


def _method_name(operation: str) -> str:
    name = operation.replace("-", "_")
    return name + "_" if keyword.iskeyword(name) or name == "last_message" else name


def _pascal(name: str) -> str:
    """Write the ASCII letters and digits of a name as a part of a class's name."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name)) or "Field"


def _unused(name: str, used_names: set[str]) -> str:
    """Reserve a name that no other class has."""
    number = 2
    unused = name
    while unused in used_names:
        unused, number = f"{name}{number}", number + 1
    used_names.add(unused)
    return unused


def _words(text: str) -> str:
    """Escape a text for a docstring, as a sentence: nothing in it ends the docstring or begins an escape sequence."""
    escaped = on_one_line(" ".join(text.split())).replace("\\", "\\\\").replace('"', '\\"')
    return escaped if escaped.endswith((".", "!", "?")) else f"{escaped}."


def _is_attribute(field: str) -> bool:
    """Tell whether a field can be an attribute of a class. Python rewrites some names there (PEP 3131, private names)."""
    plain = field.isascii() and field.isidentifier() and not keyword.iskeyword(field)
    return plain and not (field.startswith("__") and not field.endswith("__"))


def _literal(values: Sequence[Any]) -> str:
    """Write the type of an enumeration; PEP 586 has no literals of fractions, lists and objects."""
    if all(value is None or isinstance(value, (str, int)) for value in values):
        return f"Literal[{', '.join(map(repr, values))}]"
    return "Any"
