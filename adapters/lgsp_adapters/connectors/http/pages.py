"""Lists that come in pages: which request fetches the next page, and when a list is whole.

    pages: {items: answer.content, number: {parameter: page, first: 0}, until: answer.last}

A list that is not whole is no answer: one that is longer than `max` pages, or names the same page twice, is an error.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yarl import URL

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.connectors.http.link_header import next_link
from lgsp_adapters.mapping.error_rules import evaluate
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.numbers import text_of
from lgsp_adapters.upstream.response import Response
from lgsp_contracts.source_location import SourceLocation

MAX_PAGES = 50
MAX_BYTES = 16 * 1024 * 1024
"""Bytes of all pages of a list together."""
_IN_AN_ADDRESS = re.compile(r"[!-~]*")
"""Of an address in these characters nothing is escaped anew: a cursor may be signed."""
KINDS = ("next", "number", "offset", "next-url", "link-header")


@dataclass(frozen=True, slots=True)
class Page:
    """A page to fetch.

    Args:
        value: of the variable `page`: its number, its offset, or the cursor; null for the first page of the other kinds.
        query: further query parameters.
        url: the address, where the system named one.
    """

    value: Any = None
    query: tuple[tuple[str, str], ...] = ()
    url: URL | None = None


class Pages:
    """How the pages of an operation follow each other.

    Args:
        document: `pages` of the operation.
        names: the variables of its expressions.

    Raises:
        Refusal: `invalid-document`, unless exactly one way to the next page is named.
    """

    def __init__(self, document: Mapping[str, Any], location: SourceLocation, names: tuple[str, ...]) -> None:
        kinds = [kind for kind in KINDS if kind in document]
        if len(kinds) != 1:
            known = ", ".join(KINDS)
            raise location.refusal(
                f"hãy nêu đúng một cách đến trang sau: {known}", f"name exactly one way to the next page: {known}"
            )
        self._kind = kinds[0]
        counted: Mapping[str, Any] = document[self._kind] if self._kind in ("number", "offset") else {}
        at = location / self._kind
        self._items = Template(document["items"], location / "items", names)
        self._until = Template(document.get("until"), location / "until", names)
        self._next = Template(document.get("next", document.get("next-url")), at, names)
        self._last = Template(counted.get("pages"), at / "pages", names)
        self._total = Template(counted.get("total"), at / "total", names)
        self._parameter: str = document.get("parameter", counted.get("parameter", ""))
        self._first: int = counted.get("first", 1 if self._kind == "number" else 0)
        self._size: int = counted.get("size", 1)
        self.most: int = document.get("max", MAX_PAGES)
        self._origins = {URL(host).origin() for host in document.get("hosts", ())}

    def first(self) -> Page:
        """Return the first page."""
        return self._page(self._first) if self._kind in ("number", "offset") else Page()

    def items(self, scope: Scope, *, first: bool) -> list[Any]:
        """Return the items of a page.

        Args:
            first: it is the first page, which has none where nothing was found.

        Raises:
            UpstreamFailed: they are no list, or a further page has another document than its items, such as an error under status 200.
        """
        items = evaluate(self._items, scope)
        if items is None and not first and scope["answer"] is not None:
            raise UpstreamFailed(
                "unintelligible",
                f"{self._items.location}: a further page has no items; if the list ends so, write several(…)",
            )
        if items is not None and not isinstance(items, list):
            raise UpstreamFailed(
                "unintelligible", f"{self._items.location}: the items of a page are not a list; write several(…)"
            )
        return items or []

    def following(self, page: Page, count: int, scope: Scope, response: Response) -> Page | None:
        """Return the page after this one; None when the list is whole.

        Args:
            count: how many items this page has.
            scope: the variables with the answer and with the items of all pages until now.

        Raises:
            UpstreamFailed: the next page is at an address that the manifest does not name.
        """
        if self._is_last(scope):
            return None
        if self._kind == "number":
            return self._page(page.value + 1) if self._has_more(page.value - self._first + 1, count, scope) else None
        if self._kind == "offset":
            return self._page(page.value + count) if self._has_more(0, count, scope) else None
        target = _linked(response) if self._kind == "link-header" else evaluate(self._next, scope)
        if target is None:
            return None
        if isinstance(target, (dict, list)):
            raise UpstreamFailed(
                "unintelligible", f"{self._next.location}: the next page is neither a number nor a text"
            )
        return self._page(target) if self._kind == "next" else self._page_at(str(target), response)

    def _is_last(self, scope: Scope) -> bool:
        """Tell whether `until` ends the list; a text does not say, since `false` is one in XML."""
        last = None if self._until.empty else evaluate(self._until, scope)
        if isinstance(last, str):
            raise UpstreamFailed(
                "unintelligible", f"{self._until.location}: a text is neither true nor false; write … == 'true'"
            )
        return bool(last)

    def _has_more(self, pages: int, count: int, scope: Scope) -> bool:
        """Tell whether a list that is counted goes on after so many pages."""
        last, total = evaluate(self._last, scope), evaluate(self._total, scope)
        if last is not None:
            return pages < _whole(last, self._last)
        if total is not None:
            missing = _whole(total, self._total) - len(scope["items"])
            if missing > 0 and not count:
                raise UpstreamFailed("broken", f"{self._total.location}: the pages end before all items have come")
            return missing > 0
        return count >= self._size

    def _page(self, value: Any) -> Page:
        return Page(value, ((self._parameter, text_of(value)),) if self._parameter else ())

    def _page_at(self, target: str, response: Response) -> Page:
        """Check an address that the system named: an answer must not choose whom the adapter asks."""
        asked = response.url
        assert asked is not None
        try:
            url = asked.join(URL(target, encoded=_IN_AN_ADDRESS.fullmatch(target) is not None))
            allowed = url.user is None and url.password is None and url.origin() in {asked.origin(), *self._origins}
        except ValueError as error:
            raise response.failed("unintelligible", "the address of the next page is none") from error
        if not allowed:
            raise response.failed("broken", "the next page is at another host, which pages.hosts does not name")
        return Page(str(url), (), url.with_fragment(None))


def _linked(response: Response) -> str | None:
    try:
        return next_link(response.headers)
    except ValueError as error:
        raise response.failed("unintelligible", "the header Link cannot be read, so the list may go on") from error


def _whole(value: Any, template: Template) -> int:
    try:
        return int(text_of(value))
    except ValueError as error:
        raise UpstreamFailed("unintelligible", f"{template.location}: not a whole number") from error
