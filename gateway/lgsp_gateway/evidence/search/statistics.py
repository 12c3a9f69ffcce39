"""What passed in each month, by agency, service and purpose: the figures that an operator of an LGSP owes in its reports."""

import re
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_gateway.evidence.search import schema
from lgsp_gateway.evidence.search.dictionary import NameDictionary
from lgsp_gateway.evidence.search.models import STATISTICS
from lgsp_problems import Refusal

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_ENDINGS = {2: "answered", 4: "refused", 5: "failed"}
_SUMS = ("calls", "requestBytes", "answerBytes")


async def read(connection: AsyncConnection, names: NameDictionary, since: str, until: str) -> list[dict[str, Any]]:
    """Sum up what passed: a row for each month, agency, operation and purpose.

    Args:
        since, until: the first month and the last, such as 2026-11; empty for all there are.

    Raises:
        Refusal: `malformed`.
    """
    for month in filter(None, (since, until)):
        if not _MONTH.fullmatch(month):
            raise Refusal(
                "malformed",
                vi="since và until phải là tháng, ví dụ 2026-11.",
                en="since and until must be months, such as 2026-11; correct them.",
            )
    table = schema.statistics
    query = select(table).where(table.c.month >= since, table.c.month <= (until or "9999-12"))
    rows = (await connection.execute(query.order_by(*table.primary_key))).mappings().all()
    who = ("agency", "provider", "service", "operation", "purpose")
    known = await names.names(connection, {row[name] for row in rows for name in who})
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        key = (row["month"], *(known[row[name]] for name in who))
        one = found.setdefault(key, dict(zip(STATISTICS, (*key, 0, 0, 0, 0, 0, 0), strict=True)))
        one[_ENDINGS.get(row["ending"], "failed")] += row["calls"]
        for name in _SUMS:
            one[name] += row[name]
    return [found[key] for key in sorted(found)]
