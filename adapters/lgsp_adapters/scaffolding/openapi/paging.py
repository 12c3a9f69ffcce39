"""Hints at lists that come in pages, by the usual names of parameters and fields; whoever completes the draft decides."""

from collections.abc import Iterable

from lgsp_adapters.scaffolding.manifests import quoted_field
from lgsp_adapters.scaffolding.openapi.shapes import Record, Sequence
from lgsp_contracts.field_names import comparable

_NUMBER = ("page", "pagenumber", "pageindex", "pageno", "trang", "sotrang")
_OFFSET = ("offset", "skip", "start", "startindex")
_CURSOR = ("cursor", "pagetoken", "nexttoken", "continuationtoken")
_PAGE_COUNTS = ("totalpages", "totalpage", "pagecount", "lastpage", "tongsotrang")
_ITEM_COUNTS = ("total", "totalelements", "totalcount", "totalitems", "totalrecords", "tongso", "tongsobanghi")


def pages_hint(query: Iterable[str], response: Record, root: str) -> str:
    """Write the `pages` of a manifest for a list that seems to come in pages; "" where nothing says so.

    Args:
        query: the names of the query parameters.
        root: the expression for the list where the answer is one, otherwise "".
    """
    items = root or next(
        (f"answer.{quoted_field(part.source)}" for part in response.fields if isinstance(part.node, Sequence)), ""
    )
    names = {comparable(name): name for name in query}
    number, offset, cursor = (_first(names, known) for known in (_NUMBER, _OFFSET, _CURSOR))
    if not items or not (number or offset or cursor):
        return ""
    fields = {comparable(part.source): f"answer.{quoted_field(part.source)}" for part in response.fields}
    total = _first(fields, _ITEM_COUNTS)
    count = _first(fields, _PAGE_COUNTS)
    if number:
        end = f", pages: {count}" if count else f", total: {total}" if total else ""
        how = f"number: {{parameter: {number}{end}}}"
    elif offset:
        how = f"offset: {{parameter: {offset}{f', total: {total}' if total else ''}}}"
    else:
        how = f"next: answer.NEXT, parameter: {cursor}"
    return (
        f"The list seems to come in pages. To fetch all of them in one call, remove {number or offset or cursor} from request and query,\n"
        f"map `items` instead of {items}, and add (docs/reference/http-and-soap.md#pages):\n"
        f"pages: {{items: {items}, {how}}}"
    )


def _first(names: dict[str, str], known: Iterable[str]) -> str:
    return next((names[name] for name in known if name in names), "")
