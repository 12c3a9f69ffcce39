"""Checks of what is delivered later: what waits for a person, what is late, and what receives nothing.

They see what every gateway sees, and what those say that deliver.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from nats.aio.client import Client
from nats.js.errors import NotFoundError

from lgsp_gateway.delivery import streams
from lgsp_gateway.delivery.dead_letters.store import LetterSelection
from lgsp_gateway.delivery.messages import envelope
from lgsp_gateway.delivery.stored_messages import StoredMessage
from lgsp_gateway.delivery.subscriptions.authorization import refusal_of_any
from lgsp_problems import Text

if TYPE_CHECKING:
    from lgsp_gateway.delivery.build import Delivery
    from lgsp_gateway.delivery.files.record_index import RecordIndex
    from lgsp_gateway.registry.snapshot import RegistrySnapshot

CALLBACKS = "work._callback."
MAX_NAMED = 10
"""Things that one sentence lists."""
OLDEST = 64
"""Sequences from the oldest waiting message on, among which late ones are looked for."""
LATE_MS = 300_000
"""How long after its deadline a message may wait: the pause of a lane ends within that."""
BEHIND = 1_000
"""Events that wait for a subscription, from which it counts as behind."""
BEHIND_SECONDS = 60.0
"""For how long so many must have waited."""


class DeliveryChecks:
    """The checks of delivery. Each returns what is wrong, or None.

    Args:
        connection: reads streams.
        files: the files that exist.
    """

    def __init__(
        self,
        connection: Client,
        registry: "RegistrySnapshot",
        delivery: "Delivery",
        files: "RecordIndex",
    ) -> None:
        self._connection = connection
        self._registry = registry
        self._delivery = delivery
        self._files = files
        self._behind_since: dict[str, float] = {}

    def by_name(self) -> Mapping[str, Callable[[], Awaitable[Text | None]]]:
        """Return the checks by the names under which `lgsp doctor` and the metrics show them, in the order to show."""
        return {
            "delivery": self._check_delivery,
            "dead letters": self._check_dead_letters,
            "messages": self._check_late_messages,
            "subscriptions": self._check_subscriptions,
            "backlogs": self._check_backlogs,
            "endpoints": self._check_endpoints,
            "files": self._check_files,
        }

    async def _check_delivery(self) -> Text | None:
        if self._delivery.lanes.anybody_delivers:
            return None
        return Text(
            "Không có gateway nào giao thông điệp, sự kiện và webhook; những gì được nhận vẫn chờ trên đĩa. Hãy khởi động một gateway với vai trò delivery (`--roles delivery`), và xem nhật ký của nó.",
            "No gateway delivers messages, events and webhooks; what is accepted waits on disk. Start a gateway with the role delivery (`--roles delivery`), and see its log.",
        )

    async def _check_dead_letters(self) -> Text | None:
        count = await self._delivery.dead_letters.count()
        if not count:
            return None
        newest, _ = await self._delivery.dead_letters.list(LetterSelection(), 0, MAX_NAMED)
        reasons = Counter(f"{stored.letter.service}: {stored.letter.reason.code}" for stored in newest)
        named = _listed(sorted(reasons))
        return Text(
            f"Thông điệp không giao được đang chờ người xử lý: {count} ({named}); hãy xem `lgsp dead-letters list`, sửa nguyên nhân, rồi `lgsp dead-letters retry` hoặc `give-up`.",
            f"Dead letters wait for a person: {count} ({named}); see `lgsp dead-letters list`, mend the cause, then `lgsp dead-letters retry` or `give-up`.",
        )

    async def _check_late_messages(self) -> Text | None:
        try:
            stream = await self._connection.jetstream().stream_info(streams.WORK)
        except NotFoundError:
            return None
        if not stream.state.messages:
            return None
        latest = int(time.time() * 1000) - LATE_MS

        def late(message: StoredMessage) -> str | None:
            if not message.payload or message.subject.startswith(CALLBACKS):
                return None
            waiting = envelope.parse(message.payload)[0]
            return f"{waiting.service}/{waiting.operation}" if waiting.deadline < latest else None

        before = stream.state.first_seq + OLDEST
        page = await self._delivery.messages.work.newest("work.>", before, OLDEST, late)
        if not page.items:
            return None
        named = _listed(sorted({operation for _, operation in page.items}))
        return Text(
            f"Có thông điệp đã quá hạn giao mà chưa ai giao: {named}; hãy xem `lgsp messages list --state accepted` và `--state delivering`, và nhật ký của các gateway.",
            f"Messages wait beyond their deadline, and nobody delivers them: {named}; see `lgsp messages list --state accepted` and `--state delivering`, and the logs of the gateways.",
        )

    async def _check_subscriptions(self) -> Text | None:
        paused, blocked = [], []
        for one in self._delivery.subscriptions.store:
            if one.state == "paused":
                paused.append(f"{one.consumer}/{one.name}")
            elif one.state == "active" and refusal_of_any(one, self._registry, time.time()) is not None:
                blocked.append(f"{one.consumer}/{one.name}")
        if not paused and not blocked:
            return None
        vi = [f"tạm dừng: {_listed(sorted(paused))}"] * bool(paused)
        vi += [f"không còn được phép nhận: {_listed(sorted(blocked))}"] * bool(blocked)
        en = [f"paused: {_listed(sorted(paused))}"] * bool(paused)
        en += [f"not allowed to receive any more: {_listed(sorted(blocked))}"] * bool(blocked)
        return Text(
            f"Có đăng ký không nhận sự kiện ({'; '.join(vi)}); sự kiện chỉ chờ đến hết thời hạn lưu. Hãy xem `lgsp subscriptions show` để biết ai tạm dừng và vì sao, báo hệ thống nhận, rồi `resume`, gia hạn quyền khai thác, hoặc xóa đăng ký.",
            f"Subscriptions receive nothing ({'; '.join(en)}); events wait only as long as they are kept. `lgsp subscriptions show` says who paused it and why: tell the system that receives, then `resume` it, renew the grant, or delete the subscription.",
        )

    async def _check_backlogs(self) -> Text | None:
        now = time.monotonic()
        waiting = {
            subscription: number
            for subscription, number in self._delivery.reports.waiting().items()
            if number >= BEHIND
        }
        self._behind_since = {one: self._behind_since.get(one, now) for one in waiting}
        behind = [
            f"{one.consumer}/{one.name} ({waiting[one.id]})"
            for one in self._delivery.subscriptions.store
            if one.id in waiting and one.state == "active" and now - self._behind_since[one.id] >= BEHIND_SECONDS
        ]
        if not behind:
            return None
        named = _listed(sorted(behind))
        return Text(
            f"Đăng ký nhận không kịp: {named}; hãy báo đơn vị nhận, hoặc tăng concurrency và rate của điểm nhận.",
            f"Subscriptions do not keep up: {named}; tell those who receive, or raise concurrency and rate of the endpoint.",
        )

    async def _check_endpoints(self) -> Text | None:
        endpoints = self._delivery.webhooks.endpoints.all()
        paused = [f"{one.system}/{one.name}" for one in endpoints if one.state == "paused"]
        failing = self._delivery.reports.failing_systems()
        if not paused and not failing:
            return None
        vi = [f"tạm dừng: {_listed(paused)}"] * bool(paused)
        vi += [f"không trả lời, của hệ thống: {_listed(sorted(failing))}"] * bool(failing)
        en = [f"paused: {_listed(paused)}"] * bool(paused)
        en += [f"they do not answer, of the systems: {_listed(sorted(failing))}"] * bool(failing)
        return Text(
            f"Có điểm nhận webhook không nhận được gì ({'; '.join(vi)}); hãy xem `lgsp endpoints show`, báo đơn vị nhận, rồi `lgsp endpoints resume`.",
            f"Webhook endpoints receive nothing ({'; '.join(en)}); see `lgsp endpoints show`, tell those who receive, then `lgsp endpoints resume`.",
        )

    async def _check_files(self) -> Text | None:
        quarantined = self._files.count_by_state()["quarantined"]
        if not quarantined:
            return None
        return Text(
            f"Tệp đang bị cách ly: {quarantined}; hãy tìm file-quarantined trong nhật ký an ninh để biết của ai và vì sao, và báo đơn vị đó. Tệp tự bị xóa khi hết hạn.",
            f"Files are quarantined: {quarantined}; file-quarantined in the security log says whose and why: tell them. The files go when they expire.",
        )


def _listed(names: Iterable[str]) -> str:
    """List names, some of them where there are many."""
    every = list(names)
    return ", ".join(every[:MAX_NAMED]) + (", …" if len(every) > MAX_NAMED else "")
