"""One HTTP request as a manifest describes it: method, path, query, headers and body, all of them templates.

A value in a path is escaped whole, so that it never becomes another path; `.` and `..` are refused, which no escaping keeps
from meaning a folder.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from lgsp_adapters.adapter import Call, UpstreamFailed
from lgsp_adapters.answers import Answer
from lgsp_adapters.kinds.mapping import Scope, Template
from lgsp_adapters.kinds.numbers import text_of
from lgsp_adapters.kinds.unmappable import Unmappable
from lgsp_adapters.upstream import Upstream
from lgsp_contracts import exact_json
from lgsp_contracts.places import Place

NOTHING: Mapping[str, str] = {}
_VALUE = re.compile(r"\{([^{}]+)\}")


class PathTemplate:
    """A path with `{expressions}` in it."""

    def __init__(self, text: str, place: Place, names: tuple[str, ...]) -> None:
        parts = _VALUE.split(text)
        self.text = text
        """As it stands in the manifest, which logs may say."""
        self._parts = [Template(part, place, names) if odd % 2 else part for odd, part in enumerate(parts)]

    def __call__(self, scope: Scope) -> str:
        """The path for these variables."""
        return "".join(part if isinstance(part, str) else _escaped(part(scope), part.place) for part in self._parts)


def _escaped(value: Any, place: Place) -> str:
    text = "" if value is None else text_of(value)
    if text in ("", ".", ".."):
        raise Unmappable(f"{place}: a part of the path is empty, . or ..")
    return quote(text, safe="")


class Asking:
    """One request, to be sent again and again with other values.

    Args:
        document: the part of the manifest with `method`, `path`, `query`, `headers`, `body` or `form`.
        shared: what stands at the top of the manifest: `headers` and `query` of every request, with their place.
    """

    def __init__(
        self, document: Mapping[str, Any], place: Place, names: tuple[str, ...], shared: Mapping[str, Any], top: Place
    ) -> None:
        self._path = PathTemplate(document.get("path", ""), place / "path", names)
        self._method = document.get("method") or ("POST" if {"body", "form"} & set(document) else "GET")
        self._templates = {
            part: Template(document.get(part), place / part, names) for part in ("body", "form", "query", "headers")
        }
        self._shared = {part: Template(shared.get(part), top / part, names) for part in ("query", "headers")}

    async def send(
        self,
        upstream: Upstream,
        call: Call,
        scope: Scope,
        page: Mapping[str, str] = NOTHING,
        login: Mapping[str, str] = NOTHING,
        body: bytes | None = None,
    ) -> Answer:
        """The answer.

        Args:
            page: further query parameters.
            login: further headers.
            body: where no template makes it.

        Raises:
            UpstreamFailed, UpstreamLate: as the upstream says; `broken`, when the request cannot be built.
        """
        try:
            made = {name: template(scope) for name, template in self._templates.items()}
            shared = {name: template(scope) for name, template in self._shared.items()}
            path = self._path(scope)
        except Unmappable as unmappable:
            raise UpstreamFailed("broken", str(unmappable)) from None
        headers = _joined(login, _texts({**(shared["headers"] or {}), **(made["headers"] or {})}))
        if not self._templates["body"].empty:
            headers.setdefault("Content-Type", "application/json")
            body = exact_json.dumps(made["body"])
        query = _texts({**(shared["query"] or {}), **(made["query"] or {}), **page})
        form = _texts(made["form"]) if made["form"] is not None else None
        return await upstream.send(
            self._method, path, call, headers=headers, params=query or None, body=body, form=form, shown=self._path.text
        )


def _joined(login: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """The headers of the login and those that the manifest tells, which count before them; cookies of both."""
    found = {**login, **told}
    if "Cookie" in login:
        mine = [name for name in told if name.lower() == "cookie"]
        found["Cookie"] = "; ".join([*(found.pop(name) for name in mine), login["Cookie"]])
    return found


def _texts(found: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: text_of(value) for name, value in (found or {}).items()}
