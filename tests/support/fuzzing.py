"""Requests to the management API that are right, nearly right and hostile, made from its own OpenAPI description."""

import base64
import contextlib
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from support.raw_http import Answer, Request

DEEP = "[" * 5000 + "]" * 5000

TEXTS = (
    *(
        "",
        " ",
        "*",
        ">",
        ".",
        "..",
        "../..",
        "%",
        "a b",
        "null",
        "true",
        "NaN",
        "Infinity",
        "-1",
        "0",
        "1e999",
        "0x10",
        "１２",
    ),
    *(
        "9" * 4400,
        "1" * 20,
        str(10**400),
        str(2**63),
        str(2**64),
        "-" + "9" * 30,
        "1.5",
        "1,5",
        "--",
        "'; DROP TABLE x",
        "{}",
        "[]",
    ),
    *(
        "\x00",
        "a\x00b",
        "\r\nX: y",
        "\u202e",
        "ế" * 50,
        "a" * 5000,
        "urn:uuid:",
        "2026-13-45",
        "9999-12-31T23:59:59-23:59",
    ),
    *(
        "0001-01-01T00:00:00+14:00",
        "9999-12-31",
        "0001-01-01",
        "2026-99-99",
        "9999-12-31T23:59:59.999999+07:00",
        "2026-11-28T02:39:00 07:00",
        "T19:40",
        "24:00",
        "2026-W01-1",
        'W/"1"',
        '"',
        "text/event-stream",
    ),
)
BYTES = (
    b"%FF%FE",
    b"%ED%A0%80",
    b"%00",
    b"%C0%AF",
    b"%",
    b"%zz",
    b"%u0041",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"+",
    b"%2B",
)
NUMBERS = (1.0, 1e30, 2**53, 10**400, -(10**400), 2**63, -1, 0, 1.5, 1e308, 1e-320, True, 10**18)
DOCUMENTS: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    "",
    "x",
    "\ud800",
    [],
    {},
    [[]],
    [{}],
    {"": None},
    *NUMBERS,
)
BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b"NaN",
    b'{"a": NaN}',
    b'{"a": 1e999}',
    b'{"a": ' + b"9" * 4400 + b"}",
    b'{"a":1,"a":2}',
    b'{"apiVersion":"lgsp/v1","kind":"\\ud800","metadata":{},"spec":{}}',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b'{"a":"\xff"}',
    b'{"a":"\xed\xa0\x80"}',
    DEEP.encode(),
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b"a" * 70_000,
    b"grant_type=\xff\xfe",
    b"grant_type=%FF%FE&client_id=%ED%A0%80&client_secret=x",
    b"grant_type=client_credentials&client_id=+2AA-&client_secret=\\ud800",
    b"&" * 5000,
    b"\x1f\x8b\x08\x00junk",
)
MEDIA = (
    *(
        "application/json",
        "application/json; charset=utf-8",
        "application/json; charset=nope",
        "application/json; charset=utf-16",
    ),
    *(
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=zlib",
        "text/plain",
        "",
        ";",
        "a/b/c",
    ),
    *("application/x-www-form-urlencoded; charset=idna", "application/x-www-form-urlencoded; charset=utf-7"),
    *(
        "application/x-www-form-urlencoded; charset=unicode_escape",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
    ),
)


def _cursors() -> Iterator[str]:
    for plain in (
        b"9" * 23 + b".1",
        b"1." + b"9" * 23,
        b"1.1",
        b"-1.-1",
        b"\xff",
        b"alpha",
        b"1",
        b".",
        b"1.1.1",
        "９.９".encode(),
    ):
        yield base64.urlsafe_b64encode(plain).decode().rstrip("=")
        yield base64.urlsafe_b64encode(plain).decode()


CURSORS = tuple(_cursors())


@dataclass(frozen=True, slots=True)
class Case:
    """A request of an operation, without the token that goes with it."""

    operation: str
    request: Request
    kind: str


class Fuzzer:
    """Makes requests.

    Args:
        described: the OpenAPI document.
        names: values that mean something on the bus, by what they are called; `name` by the plural of its kind.
        spared: documents that are read, and neither replaced nor deleted.
        documents: makes a document of the registry that is right, by kind.
    """

    def __init__(
        self,
        described: dict[str, Any],
        names: dict[str, list[str]],
        spared: set[str],
        documents: dict[str, Callable[[], dict[str, Any]]],
        number: int,
    ) -> None:
        self._described = described
        self._names = names
        self._spared = spared
        self._kept: dict[str, list[tuple[dict[str, Any], str]]] = {}
        self._documents = documents
        self._seed = number
        self._random = random.Random(number)
        self.operations = {
            one["operationId"]: (method.upper(), path, one)
            for path, methods in described["paths"].items()
            for method, one in methods.items()
        }

    def right(self, name: str) -> Case:
        """A request that keeps its schema, with names that are there."""
        _, _, one = self.operations[name]
        values: dict[str, Any] = {p["name"]: self._value(p, name) for p in one.get("parameters", []) if self._wanted(p)}
        body = self._body(name, one)
        kept = self._kept.get(name.removeprefix("replace").removeprefix("delete"), [])
        if name.startswith("replace") and (not kept or self._random.random() < 0.5):
            del values["If-Match"]
            values |= {"name": body["metadata"]["name"], "If-None-Match": "*"}
        elif name.startswith(("replace", "delete")) and kept:
            there, values["If-Match"] = kept.pop(self._random.randrange(len(kept)))
            values["name"] = there["metadata"]["name"]
            body = {**body, "metadata": {"name": values["name"]}, "spec": there["spec"]} if body else None
        return self._built(name, values, body, "right")

    def learn(self, answer: Answer) -> None:
        """Remember a document that is kept from now on, to replace or to delete it."""
        if answer.status in (200, 201) and answer.header("ETag") and answer.body.startswith(b"{"):
            document = json.loads(answer.body)
            is_registered = "kind" in document and "metadata" in document  # other resources have an ETag too
            if is_registered and document["metadata"]["name"] not in self._spared:
                self._kept.setdefault(document["kind"], []).append((document, answer.header("ETag")))

    def hostile(self, name: str) -> Case:
        """A request of which one part is not what it should be."""
        _, _, one = self.operations[name]
        values: dict[str, Any] = {p["name"]: self._value(p, name) for p in one.get("parameters", []) if self._wanted(p)}
        parameters = one.get("parameters", [])
        body = self._body(name, one)
        if body is not None and (not parameters or self._random.random() < 0.6):
            return self._built(name, values, self._broken(body), "hostile")
        if parameters and self._random.random() < 0.9:
            chosen = self._random.choice(parameters)["name"]
            pool: tuple[Any, ...] = CURSORS if chosen == "cursor" and self._random.random() < 0.6 else (*TEXTS, *BYTES)
            values[chosen] = self._random.choice(pool)
            return self._built(name, values, body, "hostile")
        values[
            self._random.choice(
                ("consumers", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "a" * 3000, "")
            )
        ] = "x"
        return self._built(name, values, body, "hostile", extra=True)

    def generated(self, per_operation: int, *, negative: bool, only: list[str] | None = None) -> list[Case]:
        """What schemathesis makes of the description."""
        import schemathesis  # noqa: PLC0415 - two seconds of a core, in each process that collects the tests

        schemathesis.serializer("application/offset+octet-stream")(_as_bytes)
        schemathesis.openapi.format("ma-dinh-danh-dien-tu", st.sampled_from(self._names["agency"]))
        components = {**self._described["components"], "schemas": {**self._described["components"]["schemas"]}}
        components["schemas"]["Contract"] = {
            "type": "object"
        }  # of which a whole one takes it twelve seconds (measured)
        schema = schemathesis.openapi.from_dict({**self._described, "components": components})
        mode = schemathesis.GenerationMode.NEGATIVE if negative else schemathesis.GenerationMode.POSITIVE
        kind = "schemathesis, negative" if negative else "schemathesis"
        found: list[Case] = []
        for result in schema.get_all_operations():
            operation = result.ok()
            name = operation.definition.raw["operationId"]
            if only is not None and name not in only:
                continue

            found += self._collected(operation, name, mode, per_operation, kind)
        return found

    def _collected(self, operation: Any, name: str, mode: Any, most: int, kind: str) -> list[Case]:
        found: list[Case] = []

        @seed(self._seed)
        @settings(
            max_examples=most,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def collect(case: Any) -> None:
            sent = _prepared(case)
            if sent is not None:
                found.append(Case(name, sent, kind))

        with contextlib.suppress(Unsatisfiable):  # where nothing can be sent that is wrong
            collect()
        return found

    def _wanted(self, parameter: dict[str, Any]) -> bool:
        if parameter["required"]:
            return True
        if parameter["name"] in ("DPoP", "If-None-Match", "Lgsp-Subject"):
            return False
        return parameter["name"] == "If-Match" or self._random.random() < 0.25

    def _value(self, parameter: dict[str, Any], operation: str) -> str:
        name, schema = parameter["name"], parameter["schema"]
        if name == "name" and self.operations[operation][1].startswith("/registry/"):
            plural = self.operations[operation][1].split("/")[2]
            return self._random.choice(
                self._names[plural if operation.startswith(("get", "read")) else f"own {plural}"]
            )
        if self._names.get(name):
            return self._random.choice(self._names[name])
        if "enum" in schema or schema.get("type") == "boolean":
            return str(self._random.choice(schema.get("enum", ("true", "false"))))
        if schema.get("type") in ("integer", "number"):
            low, high = schema["minimum"], schema["maximum"]
            return str(self._random.choice((low, high, min(high, low + 7), min(high, 100))))
        if "examples" in schema:
            return str(schema["examples"][0])
        return "thu" if "pattern" not in schema else "alpha"

    def _body(self, name: str, one: dict[str, Any]) -> Any:
        if name in self._documents:
            return self._documents[name]()
        return {} if "requestBody" in one else None

    def _broken(self, body: Any) -> Any:
        """The body with one place changed, or something else altogether."""
        chance = self._random.random()
        if chance < 0.25:
            return self._random.choice(BODIES)
        if chance < 0.35:
            return self._random.choice(DOCUMENTS)
        copy = json.loads(json.dumps(body))
        places = list(_places(copy))
        if not places:
            return self._random.choice(DOCUMENTS)
        holder, key = self._random.choice(places)
        if self._random.random() < 0.15 and isinstance(holder, dict):
            del holder[key]
        else:
            holder[key] = self._random.choice((*DOCUMENTS, *TEXTS))
        return copy

    def _built(self, name: str, values: dict[str, Any], body: Any, kind: str, *, extra: bool = False) -> Case:
        method, path, one = self.operations[name]
        places = {p["name"]: p["in"] for p in one.get("parameters", [])}
        query, headers = [], []
        for key, value in values.items():
            place = places.get(key, "query")
            if place == "path":
                path = path.replace(f"{{{key}}}", _quoted(value))
            elif place == "query":
                query.append(f"{quote(key, safe='')}={_quoted(value)}")
            else:
                sent = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
                headers.append((key, sent.replace(b"\r", b"").replace(b"\n", b"").replace(b"\x00", b"")))
        target = path + ("?" + "&".join(query) if query else "")
        data, media = self._encoded(body, one)
        if data is not None:
            headers.append(("Content-Type", media.encode()))
        if self._random.random() < 0.1:
            headers.append(
                ("Accept", self._random.choice((b"text/event-stream", b"text/csv", b"*/*", b"\xff", b";q=x")))
            )
        if method == "GET" and self._random.random() < 0.05:
            method = "HEAD"
        sent_target = target.encode("utf-8", "surrogatepass")
        return Case(name, Request(method, sent_target, tuple(headers), data), kind)

    def _encoded(self, body: Any, one: dict[str, Any]) -> tuple[bytes | None, str]:
        if body is None:
            return None, ""
        form = "application/x-www-form-urlencoded" in one.get("requestBody", {}).get("content", {})
        media = "application/x-www-form-urlencoded" if form else "application/json"
        if isinstance(body, bytes):
            return body, self._random.choice(MEDIA) if self._random.random() < 0.5 else media
        if form and isinstance(body, dict):
            fields = {key: str(value) for key, value in body.items()}
            return urlencode(fields, encoding="utf-8", errors="surrogatepass").encode(), media
        return json.dumps(body).encode(), media


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in pairs:
        yield value, key
        yield from _places(child)


def _quoted(value: Any) -> str:
    if isinstance(value, bytes):
        return re.sub(r"[\x00-\x20#?]", "", value.decode("latin-1"))
    return quote(str(value).encode("utf-8", "surrogatepass"), safe="")


def _as_bytes(_: Any, value: Any) -> bytes:
    """Serialize a body of no structure (a part of a file), which schemathesis has no serializer for."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def _prepared(case: Any) -> Request | None:
    """The request of a case, unless no client could send it."""
    try:
        sent = requests.Request(**case.as_transport_kwargs(base_url="http://bus")).prepare()
    except (ValueError, TypeError, requests.exceptions.RequestException, UnicodeError):
        return None
    body = sent.body.encode() if isinstance(sent.body, str) else sent.body
    headers = tuple(
        (str(name), value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass"))
        for name, value in sent.headers.items()
        if str(name).lower() not in ("content-length", "host", "connection", "authorization", "transfer-encoding")
    )
    if any(b"\r" in value or b"\n" in value for _, value in headers):
        return None
    return Request(
        sent.method or "GET", (sent.path_url or "/").encode(), headers, body if isinstance(body, bytes) else None
    )
