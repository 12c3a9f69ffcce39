"""One HTTP request as a manifest describes it: method, path, query, headers and body, all of them templates.

A value in a path is escaped whole, so that it never becomes another path; `.` and `..` are refused, which no escaping keeps
from meaning a folder.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from yarl import URL

from lgsp_adapters.adapter import Call, UnfitRequest, UpstreamFailed
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.upstream import sent_request
from lgsp_adapters.upstream.client import Upstream
from lgsp_adapters.upstream.request_body import KINDS, Body, BodyTemplate, FilePart, body_template, sends_files
from lgsp_adapters.upstream.request_values import header_value, path_segment, query_values
from lgsp_adapters.upstream.response import Response
from lgsp_adapters.upstream.streamed_body import open_body
from lgsp_contracts.source_location import SourceLocation

NOTHING: Mapping[str, str] = {}
_CALLER_VARIABLES = re.compile(r"\b(request|call)\b")
"""The variables that hold values of the caller."""
_VALUE = re.compile(r"\{([^{}]+)\}")


def path_expressions(text: str) -> list[str]:
    """List the expressions in a path."""
    return _VALUE.findall(text)


class PathTemplate:
    """A path with `{expressions}` in it."""

    def __init__(self, text: str, location: SourceLocation, names: tuple[str, ...]) -> None:
        parts = _VALUE.split(text)
        self.text = text
        """The path as written in the manifest, which logs may contain."""
        self._parts = [Template(part, location, names) if index % 2 else part for index, part in enumerate(parts)]

    def __call__(self, scope: Scope) -> str:
        """The path for these variables.

        Raises:
            UnfitRequest, UpstreamFailed: a value cannot be part of a path.
        """
        return "".join(part if isinstance(part, str) else self._escape(part, scope) for part in self._parts)

    def _escape(self, part: Template, scope: Scope) -> str:
        try:
            return quote(path_segment(part(scope)), safe="")
        except MappingError as unmappable:
            raise unsendable_value(part, unmappable) from unmappable


class RequestTemplate:
    """One request, to be sent again and again with other values.

    Args:
        document: the part of the manifest with `method`, `path`, `query`, `headers`, and `body`, `form`, `multipart` or `raw`.
        shared: the top level of the manifest: `headers` and `query` of every request, with their location.

    Raises:
        Refusal: `invalid-document`.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        location: SourceLocation,
        names: tuple[str, ...],
        shared: Mapping[str, Any],
        top: SourceLocation,
    ) -> None:
        self._path = PathTemplate(document.get("path", ""), location / "path", names)
        self.method = document.get("method") or ("POST" if set(KINDS) & set(document) else "GET")
        self._body = body_template(document, location, names)
        self._query = [
            Template(part.get("query"), at / "query", names) for part, at in ((shared, top), (document, location))
        ]
        headers = [
            (name, expression, at / "headers" / name)
            for part, at in ((shared, top), (document, location))
            for name, expression in part.get("headers", {}).items()
        ]
        signing = [name for name, expression, at in headers if sent_request.uses(str(expression), at)]
        self._signs = bool(signing)
        self._stores_answer = document.get("response", {}).get("as") == "file"
        if self._signs and sends_files(document):
            raise location.refusal(
                "yêu cầu có chữ ký (biến sent) không gửi được tệp bằng encoding: file; hãy dùng files và base64",
                "a request that is signed (the variable sent) cannot send a file by encoding: file; use files and base64",
            )
        self._headers = {
            name: Template(expression, at, (*names, sent_request.NAME)) for name, expression, at in headers
        }

    async def send(
        self,
        upstream: Upstream,
        call: Call,
        scope: Scope,
        page: Mapping[str, str] = NOTHING,
        login: Mapping[str, str] = NOTHING,
        *,
        url: URL | None = None,
        build: Callable[[], bytes] | None = None,
        executor: MappingExecutor | None = None,
    ) -> Response:
        """Send the request, and return the response.

        Args:
            page: further query parameters.
            login: further headers.
            url: the address of a further page, in place of path and query.
            build: makes the body where no template does.
            executor: builds what may take long; without it the request must not use a value of the caller.

        Raises:
            UpstreamFailed, UpstreamLate: as the upstream says; `broken`, when the request cannot be built.
            UnfitRequest: it cannot be built from the caller's request.
        """

        def build_request() -> _BuiltRequest:
            return self._build(upstream, scope, page, login, url, build)

        request = await executor.run(build_request, of_request=True) if executor else build_request()
        built = request.body
        body = await open_body(built, upstream.files(), call) if isinstance(built, list) else built
        return await upstream.request(
            self.method, request.url, call, request.headers, body, self._path.text, stores_answer=self._stores_answer
        )

    def _build(
        self,
        upstream: Upstream,
        scope: Scope,
        page: Mapping[str, str],
        login: Mapping[str, str],
        url: URL | None,
        build: Callable[[], bytes] | None,
    ) -> "_BuiltRequest":
        if url is None:
            query: dict[str, str | list[str]] = {}
            for template in self._query:
                query |= _query(template, scope)
            url = upstream.url(self._path(scope), {**query, **page})
        content: bytes | list[bytes | FilePart] | None = build() if build else None
        media_type = ""
        if self._body:
            content, media_type = self._make_body(self._body, scope)
        headers: dict[str, str] = {}
        if self._signs:
            scope = {**scope, sent_request.NAME: sent_request.variables(self.method, url, _whole(content), headers)}
        for name, template in self._headers.items():
            value = _value(template, scope, header_value)
            if value is not None:
                headers[name] = value
        headers = _joined(login, headers)
        if media_type and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = media_type
        return _BuiltRequest(url, headers, content)

    def _make_body(self, body: BodyTemplate, scope: Scope) -> Body:
        try:
            return body(scope)
        except MappingError as unmappable:
            raise unsendable_value(body.template, unmappable) from unmappable


class _BuiltRequest(NamedTuple):
    """A request as it is sent."""

    url: URL
    headers: dict[str, str]
    body: bytes | list[bytes | FilePart] | None


def _whole(content: bytes | list[bytes | FilePart] | None) -> bytes:
    """Return a body that is signed; the constructor has refused to sign one that is sent in pieces."""
    return content if isinstance(content, bytes) else b""


def unsendable_value(template: Template, reason: MappingError) -> UnfitRequest | UpstreamFailed:
    """Make the error for a value that cannot be sent: `UnfitRequest` where it comes from the request, else `UpstreamFailed`."""
    note = str(reason) if reason.location else f"{template.location}: {reason}"
    return UnfitRequest(note) if _CALLER_VARIABLES.search(str(template.document)) else UpstreamFailed("broken", note)


def _joined(login: Mapping[str, str], configured: Mapping[str, str]) -> dict[str, str]:
    """Merge the headers of the login with those of the manifest, which take precedence; cookies of both are kept."""
    headers = {**login, **configured}
    if "Cookie" in login:
        configured_cookies = [name for name in configured if name.lower() == "cookie"]
        headers["Cookie"] = "; ".join([*(headers.pop(name) for name in configured_cookies), login["Cookie"]])
    return headers


def _value(template: Template, scope: Scope, write: Callable[[Any], str]) -> str | None:
    try:
        value = template(scope)
        return None if value is None else write(value)
    except MappingError as unmappable:
        raise unsendable_value(template, unmappable) from unmappable


def _query(template: Template, scope: Scope) -> dict[str, str | list[str]]:
    try:
        values: Mapping[str, Any] = template(scope) or {}
        return {name: query_values(value) for name, value in values.items()}
    except MappingError as unmappable:
        raise unsendable_value(template, unmappable) from unmappable
