"""What must hold for a bus to be well, looked at every few seconds: for `lgsp doctor`, and for an alert each.

A check says in a sentence what is wrong and what to do. It decides nothing: what has to stop calls stops them where it happens.
"""

import contextlib
import datetime
import heapq
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.evidence.append.checkpoint_publisher import CheckpointPublisher
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.evidence.read import entry_stream
from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery
from lgsp_gateway.registry.replica import RegistryReplica
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal, Text
from lgsp_runtime.background import Background
from lgsp_runtime.error_frames import frames

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

EVERY_SECONDS = 10.0
MAX_BEHIND = 5_000
"""Groups that the index may be behind the stream; it catches up with some 700 a second."""
MAX_STALLED_SECONDS = 15.0
"""For how long the index may stand still while there is something to bring in."""
MAX_UNSIGNED_SECONDS = 10.0
CLOCK_SECONDS = 5.0
CLOCK_SETTLES_SECONDS = 600.0
"""After which a clock that jumped and stayed is the right one."""
MAX_LISTED = 20
"""Services that a sentence names; there may be thousands."""
MAX_STORAGE_SHARE = 0.9
"""The part of what JetStream may store that is too much."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check: `wrong` is None where all is well."""

    name: str
    wrong: Text | None

    def document(self) -> dict[str, Any]:
        """As it is shown."""
        said = {"vi": self.wrong.vi, "en": self.wrong.en} if self.wrong else None
        return {"check": self.name, "ok": self.wrong is None, "detail": said}


def _clock(moment: Any) -> str:
    """A time in seconds since 1970, as people read it; what an adapter says may be anything."""
    if not isinstance(moment, (int, float)) or not 0 < moment < 1e11:
        return "-"
    return f"{datetime.datetime.fromtimestamp(moment, VIETNAM):%H:%M:%S %d/%m/%Y}"


@dataclass
class Checks:
    """The checks of one gateway."""

    connection: Client
    replica: RegistryReplica
    registry: RegistrySnapshot
    evidence: EvidenceLog
    publisher: CheckpointPublisher
    index: "Index | None"
    adapters: AdapterDiscovery
    background: Background

    def __post_init__(self) -> None:
        self.results: list[CheckResult] = []
        self._clock = time.time() - time.monotonic()
        self._jumped = (0.0, time.monotonic())
        self._failing: set[str] = set()
        self._indexed = (-1, time.monotonic())

    async def run(self) -> list[CheckResult]:
        """Look at everything now."""
        checks: dict[str, Callable[[], Awaitable[Text | None]]] = {
            "tasks": self._tasks,
            "registry": self._registry,
            "evidence": self._evidence,
            "checkpoints": self._checkpoints,
            "log": self._log,
            "storage": self._storage,
            "index": self._index,
            "clock": self._time,
            "adapters": self._adapters,
            "upstreams": self._upstreams,
            "data": self._data,
            "adapter tasks": self._adapter_tasks,
        }
        with contextlib.suppress(NatsError, OSError):
            await self.adapters.refresh()
        self.results = [CheckResult(name, await self._run_one(check)) for name, check in checks.items()]
        wrong = {one.name: one.wrong for one in self.results if one.wrong}
        for name in wrong.keys() - self._failing:
            structlog.get_logger().error("check failed", check=name, why=wrong[name].en)
        for name in self._failing - wrong.keys():
            structlog.get_logger().info("check recovered", check=name)
        self._failing = set(wrong)
        return self.results

    async def _run_one(self, check: Callable[[], Awaitable[Text | None]]) -> Text | None:
        try:
            return await check()
        except Refusal as refusal:
            return refusal.detail
        except (NatsError, APIError, OSError, TimeoutError) as error:
            why = type(error).__name__
            return Text(
                f"NATS không trả lời ({why}); hãy kiểm tra máy chủ.",
                f"NATS does not answer ({why}); check the servers.",
            )
        except Exception as error:  # one check that breaks hides none of the others
            why = type(error).__name__
            structlog.get_logger().error("check raised", error=why, frames=frames(error))
            return Text(
                f"Phép kiểm tra này bị lỗi ({why}); hãy báo lỗi này kèm dòng `check raised` trong nhật ký của gateway.",
                f"This check itself broke ({why}); report it with the line `check raised` of the gateway's log.",
            )

    async def _tasks(self) -> Text | None:
        failing = ", ".join(f"{name} ({error})" for name, error in self.background.failures().items())
        if not failing:
            return None
        return Text(
            f"Tác vụ nền của gateway liên tục hỏng: {failing}; hãy xem nhật ký của nó, và báo lỗi này nếu còn sau khi khởi động lại.",
            f"Background tasks of the gateway fail: {failing}; read its log, restart it, and report this if it stays.",
        )

    async def _registry(self) -> Text | None:
        if self.replica.in_step:
            return self._unreadable()
        seconds = round(self.replica.stale_for())
        return Text(
            f"Sổ đăng ký chưa theo kịp từ {seconds} giây; hãy kiểm tra kết nối tới NATS.",
            f"The registry has not been in step for {seconds} s; check the connection to NATS.",
        )

    def _unreadable(self) -> Text | None:
        documents = ", ".join(sorted(f"{kind} {name}" for kind, name in self.registry.unreadable))
        if not documents:
            return None
        return Text(
            f"Các tài liệu chưa có hiệu lực vì không đọc được: {documents}; hãy sửa và áp dụng lại, và xem nhật ký của gateway.",
            f"Documents are not in force, since they cannot be read: {documents}; correct and apply them again, and see the gateway's log.",
        )

    async def _evidence(self) -> Text | None:
        if not self.evidence.kept and not self.evidence.entries_dropped:
            return None
        kept, dropped = self.evidence.kept, self.evidence.entries_dropped
        return Text(
            f"{kept} mục bằng chứng đang chờ ghi, {dropped} mục đã mất; hãy kiểm tra đĩa và JetStream của NATS.",
            f"{kept} entries of evidence wait to be written, {dropped} are lost; check the disk and JetStream of NATS.",
        )

    async def _checkpoints(self) -> Text | None:
        seconds = self.publisher.unsigned_for()
        if seconds < MAX_UNSIGNED_SECONDS:
            return None
        return Text(
            f"Chưa ký được điểm kiểm từ {seconds:.0f} giây; hãy kiểm tra luồng LGSP_CHECKPOINTS.",
            f"No checkpoint could be signed for {seconds:.0f} s; check the stream LGSP_CHECKPOINTS.",
        )

    async def _log(self) -> Text | None:
        known = max(self.publisher.sequence, self.evidence.last_batch)
        there = await entry_stream.last_sequence(self.connection)
        if there >= known:
            return None
        return Text(
            f"Luồng bằng chứng kết thúc ở nhóm {there}, trước nhóm {known} đã ghi: có mục bị xóa; hãy báo kiểm toán viên và khôi phục từ bản sao.",
            f"The evidence ends with group {there}, before group {known} that was written: entries were removed; tell an auditor and restore a copy.",
        )

    async def _storage(self) -> Text | None:
        account = await self.connection.jetstream().account_info()
        most = account.limits.max_storage
        if most <= 0 or account.storage < MAX_STORAGE_SHARE * most:
            return None
        share = account.storage / most
        return Text(
            f"JetStream đã dùng {share:.0%} dung lượng; hãy chạy `lgsp evidence archive` hoặc thêm đĩa.",
            f"JetStream has used {share:.0%} of its storage; run `lgsp evidence archive`, or add disk.",
        )

    async def _index(self) -> Text | None:
        if self.index is None:
            return None
        at, now = await self.index.progress(), time.monotonic()
        behind = await entry_stream.last_sequence(self.connection) - at
        if behind <= 0 or at != self._indexed[0]:
            self._indexed = (at, now)
        if behind < MAX_BEHIND and now - self._indexed[1] < MAX_STALLED_SECONDS:
            return None
        since = await entry_stream.written_at(self.connection, at + 1)
        when = _clock(since)
        return Text(
            f"Chỉ mục tìm kiếm đứng yên: thiếu {behind} nhóm ghi từ {when}, tìm kiếm sẽ không thấy; hãy xem nhật ký của `lgsp indexer run`, khởi động lại nó, và kiểm tra cơ sở dữ liệu của chỉ mục.",
            f"The search index stands still: it lacks {behind} groups written since {when}, and searches do not find them; read the log of `lgsp indexer run`, restart it, and check the index's database.",
        )

    async def _time(self) -> Text | None:
        jumped = time.time() - time.monotonic() - self._clock
        if abs(jumped - self._jumped[0]) > CLOCK_SECONDS:
            self._jumped = (jumped, time.monotonic())
        elif time.monotonic() - self._jumped[1] > CLOCK_SETTLES_SECONDS:  # it was put right, it seems
            self._clock, self._jumped, jumped = self._clock + jumped, (0.0, time.monotonic()), 0.0
        ahead = self.publisher.last_signed_before - time.time()
        if abs(jumped) < CLOCK_SECONDS and ahead < CLOCK_SECONDS:
            return None
        seconds = jumped if abs(jumped) >= CLOCK_SECONDS else -ahead
        return Text(
            f"Đồng hồ máy đã nhảy {seconds:+.0f} giây; hãy kiểm tra NTP: mã truy cập, quyền và bằng chứng tính theo đồng hồ này.",
            f"The clock of this machine has jumped by {seconds:+.0f} s; check NTP: tokens, grants and evidence go by it.",
        )

    async def _adapters(self) -> Text | None:
        if not self.adapters.updated_at:
            return None
        unserved = self.registry.services.names() - {copy.service for copy in self.adapters.instances}
        if not unserved:
            return None
        missing = ", ".join(heapq.nsmallest(MAX_LISTED, unserved)) + (", …" if len(unserved) > MAX_LISTED else "")
        return Text(
            f"Không có bộ kết nối nào phục vụ {len(unserved)} dịch vụ: {missing}; hãy chạy `lgsp adapter run`.",
            f"No adapter serves {len(unserved)} of the services: {missing}; run `lgsp adapter run`.",
        )

    async def _upstreams(self) -> Text | None:
        down = sorted(
            f"{service}/{operation} ({_why(said['upstream'])}, {_clock(said['upstream'].get('lastFailure'))})"
            for service, operation, said in self.adapters.operations()
            if not said.get("upstream", {}).get("up", True)
        )
        if not down:
            return None
        those = ", ".join(dict.fromkeys(down))
        return Text(
            f"Hệ thống phía sau không trả lời lần gọi cuối: {those}; hãy liên hệ đơn vị quản lý. Lần gọi sau sẽ cho biết đã khỏi chưa.",
            f"Systems behind did not answer the last call: {those}; call those who run them. The next call tells whether they are well.",
        )

    async def _data(self) -> Text | None:
        old = sorted(
            f"{service} ({said['data'].get('file', '-')}, {_clock(said['data'].get('since'))}: {said['data'].get('why', '-')})"
            for service, _, said in self.adapters.operations()
            if isinstance(said.get("data"), dict) and not said["data"].get("current", True)
        )
        if not old:
            return None
        those = ", ".join(dict.fromkeys(old))
        return Text(
            f"Đang trả lời từ dữ liệu cũ: {those}; hãy xem báo cáo cạnh tệp mới hơn và nhật ký của bộ kết nối.",
            f"Old data is answered from: {those}; read the report beside the newer file, and the adapter's log.",
        )

    async def _adapter_tasks(self) -> Text | None:
        failing = sorted(
            {
                f"{service}: {name} ({error})"
                for service, _, said in self.adapters.operations()
                if isinstance(said.get("tasks"), dict)
                for name, error in said["tasks"].items()
            }
        )
        if not failing:
            return None
        return Text(
            f"Tác vụ nền của bộ kết nối liên tục hỏng: {', '.join(failing)}; hãy xem nhật ký của nó rồi khởi động lại.",
            f"Background tasks of adapters fail: {', '.join(failing)}; read the adapter's log, then restart it.",
        )


def _why(upstream: dict[str, Any]) -> str:
    """What an adapter says of its system: the kind of failure, and where and why."""
    return ": ".join(str(said) for said in (upstream["lastReason"], upstream.get("lastNote")) if said)
