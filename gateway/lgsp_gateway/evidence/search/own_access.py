"""How often a person looked at their own log, by day: thousands of looks are a line each day, and push nothing out of sight."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_contracts.time_zone import VIETNAM_OFFSET_SECONDS
from lgsp_gateway.evidence.search import schema
from lgsp_gateway.evidence.search.models import OwnLooks

DAYS = 31
"""With looks in them that are told, the newest."""

_DAY = 86_400_000
_VIETNAM_OFFSET = VIETNAM_OFFSET_SECONDS * 1000


async def read(connection: AsyncConnection, subject: bytes) -> list[OwnLooks]:
    """List the days of Vietnam on which a person looked, the newest first."""
    columns = schema.messages.c
    day = (columns.time + _VIETNAM_OFFSET) // _DAY
    query = (
        select(func.min(columns.time), func.max(columns.time), func.count())
        .where(columns.subject == subject, columns.consumer == schema.NOTHING)
        .group_by(day)
        .order_by(day.desc())
        .limit(DAYS)
    )
    return [OwnLooks(first, last, looks) for first, last, looks in await connection.execute(query)]
