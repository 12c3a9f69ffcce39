"""Security schemes of an OpenAPI document as settings of a manifest; every secret comes from the environment."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from lgsp_adapters.scaffolding.drafts import variable
from lgsp_adapters.scaffolding.openapi.parameters import resolved
from lgsp_adapters.scaffolding.openapi.shapes import unique

Document = dict[str, Any]


@dataclass(slots=True)
class SecurityDraft:
    """The parts of a manifest that authenticate its requests."""

    service: str
    address: str
    connection: Document = field(default_factory=dict)
    authentication: Document = field(default_factory=dict)
    headers: Document = field(default_factory=dict)
    query: Document = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def secret(self, name: str, value: str = "") -> str:
        """Add a value of the environment to the connection, and return the expression for it."""
        name = unique(name, self.connection)
        words = "".join(f"_{letter}" if letter.isupper() else letter for letter in name)
        key = variable(self.service, words)
        self.connection[name] = {"env": key}
        self.environment[key] = value
        return f"connection.{name}"

    def token_endpoint(self, address: str) -> Document:
        """Return `path` and `url` of a token endpoint."""
        base, parts = self.address.rstrip("/"), urlsplit(address)
        if address.startswith(f"{base}/"):
            return {"path": address.removeprefix(base)}
        origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else _origin(base)
        return {"path": parts.path or "/", "url": self.secret("tokenServer", origin)}


def read_security(
    root: Document, operations: Iterable[Document], draft: SecurityDraft, discovered: Mapping[str, Any]
) -> None:
    """Draft the authentication that operations require, of each the first alternative that a manifest can describe.

    Args:
        discovered: OpenID Connect discovery documents by their addresses.
    """
    schemes = (root.get("components") or {}).get("securitySchemes") or {}
    done: set[str] = set()
    for operation in operations:
        alternatives = operation.get("security", root.get("security")) or []
        usable = [
            alternative
            for alternative in alternatives
            if isinstance(alternative, dict) and all(_reader(resolved(root, schemes.get(name))) for name in alternative)
        ]
        if alternatives and not usable:
            names = sorted({str(name) for alternative in alternatives for name in alternative})
            comment = f"The description requires {', '.join(names)}, which a manifest cannot use; a Python adapter can."
            draft.comments += [comment] if comment not in draft.comments else []
        for name, scopes in (usable[0] if usable else {}).items():
            if name not in done:
                done.add(name)
                scheme = resolved(root, schemes.get(name))
                reader = _reader(scheme)
                assert reader is not None
                reader(draft, scheme, list(scopes or []), discovered)


_SchemeReader = Callable[[SecurityDraft, Document, list[str], Mapping[str, Any]], None]


def _reader(scheme: Document) -> _SchemeReader | None:
    kind, how = str(scheme.get("type")), str(scheme.get("scheme", "")).lower()
    if kind == "http":
        return {"basic": _basic, "bearer": _bearer}.get(how)
    if kind == "oauth2":
        flows = scheme.get("flows") or {}
        return _client_credentials if "clientCredentials" in flows else _password if "password" in flows else None
    if kind == "apiKey":
        return {"header": _key_in_header, "query": _key_in_query, "cookie": _key_in_cookie}.get(str(scheme.get("in")))
    return {"openIdConnect": _openid_connect}.get(kind)


def _key_in_header(draft: SecurityDraft, scheme: Document, _scopes: list[str], _: Mapping[str, Any]) -> None:
    draft.headers[str(scheme.get("name"))] = draft.secret("apiKey")


def _key_in_query(draft: SecurityDraft, scheme: Document, _scopes: list[str], _: Mapping[str, Any]) -> None:
    draft.query[str(scheme.get("name"))] = draft.secret("apiKey")


def _key_in_cookie(draft: SecurityDraft, scheme: Document, _scopes: list[str], _: Mapping[str, Any]) -> None:
    draft.headers["Cookie"] = f"join('=', [{_literal(str(scheme.get('name')))}, {draft.secret('apiKey')}])"


def _basic(draft: SecurityDraft, _scheme: Document, _scopes: list[str], _: Mapping[str, Any]) -> None:
    draft.authentication["basic"] = {"user": draft.secret("user"), "password": draft.secret("password")}


def _bearer(draft: SecurityDraft, _scheme: Document, _scopes: list[str], _: Mapping[str, Any]) -> None:
    draft.headers["Authorization"] = f"join(' ', ['Bearer', {draft.secret('token')}])"
    draft.comments.append(
        "The description does not say where the bearer token comes from. If it comes from a login request or a token\n"
        "endpoint, replace the header by `authentication: {login: …}` or `{oauth2: …}`."
    )


def _client_credentials(draft: SecurityDraft, scheme: Document, scopes: list[str], _: Mapping[str, Any]) -> None:
    flow = scheme["flows"]["clientCredentials"] or {}
    _oauth2(draft, str(flow.get("tokenUrl", "")), scopes)


def _oauth2(draft: SecurityDraft, token_address: str, scopes: list[str]) -> None:
    draft.authentication["oauth2"] = {
        **draft.token_endpoint(token_address),
        "client": draft.secret("clientId"),
        "secret": draft.secret("clientSecret"),
        **({"scope": _literal(" ".join(scopes))} if scopes else {}),
    }


def _password(draft: SecurityDraft, scheme: Document, scopes: list[str], _: Mapping[str, Any]) -> None:
    flow = scheme["flows"]["password"] or {}
    draft.authentication["login"] = {
        **draft.token_endpoint(str(flow.get("tokenUrl", ""))),
        "form": {
            "grant_type": "'password'",
            "username": draft.secret("user"),
            "password": draft.secret("password"),
            **({"scope": _literal(" ".join(scopes))} if scopes else {}),
        },
        "session": {"token": "answer.access_token"},
        "seconds": "answer.expires_in",
    }
    draft.headers["Authorization"] = "join(' ', ['Bearer', session.token])"


def _openid_connect(draft: SecurityDraft, scheme: Document, scopes: list[str], discovered: Mapping[str, Any]) -> None:
    address = str(scheme.get("openIdConnectUrl", ""))
    endpoint = (discovered.get(address) or {}).get("token_endpoint")
    _oauth2(draft, str(endpoint or "/oauth2/token"), scopes)
    if not endpoint:
        draft.comments.append(f"oauth2.path is a guess: take it from token_endpoint in {address}.")


def _literal(text: str) -> str:
    """Write a literal string of JMESPath."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
