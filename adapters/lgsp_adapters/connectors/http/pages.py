"""Lists that come in pages: which request fetches the next page, and when a list is whole.

    pages: {items: answer.content, number: {parameter: page, first: 0}, until: answer.last}

A list that is not whole is no answer. So it is an error when a page has no list, or the same items as the one before (the system ignores
which page is asked for), when pages or items are missing that the system announced, when the announcement changes, when a page is named
twice, and when there are more than `max`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Progress:
    """What has come of one list until now.

    Args:
        items: of all pages.
        latest: of the latest page.
        pages: how many have come.
        last, total: how many pages and how many items the system announced; None where it did not.
    """

    items: list[Any] = field(default_factory=list)
    latest: list[Any] = field(default_factory=list)
    pages: int = 0
    last: int | None = None
    total: int | None = None


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

    def read(self, scope: Scope, progress: Progress) -> None:
        """Add the items of a page to those of the pages before it.

        Raises:
            UpstreamFailed: the page has no list, or the same one as the page before.
        """
        items = evaluate(self._items, scope)
        where = self._items.location
        if items is None:
            raise UpstreamFailed("unintelligible", f"{where}: a page has no list of items, not even an empty one")
        if not isinstance(items, list):
            raise UpstreamFailed("unintelligible", f"{where}: the items of a page are not a list; write several(…)")
        if items and items == progress.latest:
            raise UpstreamFailed(
                "broken", f"{where}: a page has the same items as the one before; does the system read the parameter?"
            )
        progress.items += items
        progress.latest = items
        progress.pages += 1

    def following(self, page: Page, progress: Progress, scope: Scope, response: Response) -> Page | None:
        """Return the page after this one; None when the list is whole.

        Args:
            scope: the variables with the answer and with the items of all pages until now.

        Raises:
            UpstreamFailed: the list is not whole, or the next page is at an address that the manifest does not name.
        """
        progress.last = self._announced(progress.last, self._last, scope)
        progress.total = self._announced(progress.total, self._total, scope)
        if self._is_last(scope):
            return None
        if self._kind in ("number", "offset"):
            step = 1 if self._kind == "number" else len(progress.latest)
            return self._page(page.value + step) if self._has_more(progress) else None
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

    def _announced(self, before: int | None, template: Template, scope: Scope) -> int | None:
        """Return the number that the system announces, on this page or on one before."""
        value = evaluate(template, scope)
        if value is None:
            return before
        announced = _whole(value, template)
        if before not in (None, announced):
            raise UpstreamFailed("broken", f"{template.location}: the number changed between two pages of a list")
        return announced

    def _has_more(self, progress: Progress) -> bool:
        """Tell whether a list that is counted goes on.

        Raises:
            UpstreamFailed: what has come contradicts what was announced.
        """
        count, last, total = len(progress.latest), progress.last, progress.total
        missing = 0 if total is None else total - len(progress.items)
        if last is not None:
            if (not count and last > 1) or (count and progress.pages > last):
                raise UpstreamFailed("broken", f"{self._last.location}: not as many pages have items as were announced")
            more = progress.pages < last
        elif total is not None:
            more = missing > 0 and count > 0
        else:
            return count >= self._size
        if missing < 0 or (missing and not more):
            side = (
                "more items have come than were announced"
                if missing < 0
                else "the pages end before all items have come"
            )
            raise UpstreamFailed("broken", f"{self._total.location}: {side}")
        return more

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
