"""Monthly figures by agency, service and purpose, which the operator of an LGSP must report."""

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
    """Return the monthly figures: a row for each month, agency, operation and purpose, with the columns `STATISTICS`.

    Args:
        since, until: the first month and the last, such as 2026-11; empty for no bound.

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
    parties = ("agency", "provider", "service", "operation", "purpose")
    names_by_number = await names.names(connection, {row[name] for row in rows for name in parties})
    figures: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        key = (row["month"], *(names_by_number[row[name]] for name in parties))
        total = figures.setdefault(key, dict(zip(STATISTICS, (*key, 0, 0, 0, 0, 0, 0), strict=True)))
        total[_ENDINGS.get(row["ending"], "failed")] += row["calls"]
        for name in _SUMS:
            total[name] += row[name]
    return [figures[key] for key in sorted(figures)]
