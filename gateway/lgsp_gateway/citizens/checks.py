"""The health check of citizens' requests: none may be lost from sight because it cannot be read."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from lgsp_gateway.citizens.request_store import RequestStore
from lgsp_problems import Text

HealthChecks = Mapping[str, Callable[[], Awaitable[Text | None]]]
"""Checks by the names under which `lgsp doctor` and the metrics show them; each returns what is wrong, or None."""

MAX_NAMED: Final = 5
"""Numbers that the sentence lists."""


def checks_of(store: RequestStore) -> HealthChecks:
    """Return the checks of a store."""

    async def check_damaged() -> Text | None:
        numbers = store.damaged_numbers()
        if not numbers:
            return None
        named = ", ".join(numbers[:MAX_NAMED]) + ("…" if len(numbers) > MAX_NAMED else "")
        return Text(
            f"{len(numbers)} yêu cầu của công dân không đọc được: {named}; hãy xem các dòng `citizen request unreadable` trong nhật ký của gateway và khôi phục khóa lưu trữ hoặc dữ liệu từ bản sao lưu. Hạn trả lời vẫn tính.",
            f"{len(numbers)} requests of citizens cannot be read: {named}; see the lines `citizen request unreadable` of the gateway's log, and restore the storage keys or the data from a backup. Their deadlines still count.",
        )

    return {"citizen requests": check_damaged}
