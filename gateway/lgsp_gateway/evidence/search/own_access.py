"""Counts how often a person looked at their own log, by day: thousands of looks are one line a day, and hide no other access."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_contracts.time_zone import VIETNAM_OFFSET_SECONDS
from lgsp_gateway.evidence.search import schema
from lgsp_gateway.evidence.search.models import OwnAccess

MAX_DAYS = 31
"""Days with accesses that are returned, the newest."""

_DAY = 86_400_000
_VIETNAM_OFFSET = VIETNAM_OFFSET_SECONDS * 1000


async def read(connection: AsyncConnection, subject: bytes) -> list[OwnAccess]:
    """List the days (in Vietnam's time) on which a person looked at their own log, the newest first.

    Args:
        subject: the pseudonym, as bytes.
    """
    columns = schema.messages.c
    day = (columns.time + _VIETNAM_OFFSET) // _DAY
    query = (
        select(func.min(columns.time), func.max(columns.time), func.count())
        .where(columns.subject == subject, columns.consumer == schema.NOTHING, columns.kind == schema.CALL)
        .group_by(day)
        .order_by(day.desc())
        .limit(MAX_DAYS)
    )
    return [OwnAccess(first, last, looks) for first, last, looks in await connection.execute(query)]
