"""Checks of the gateway itself: its background tasks, its copy of the registry, the evidence log, the search index, the clock.

Some remember what they saw in the round before, since a state counts as a failure only when it lasts.
"""

import datetime
import time
from typing import TYPE_CHECKING

from nats.aio.client import Client

from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.evidence.append.checkpoint_publisher import CheckpointPublisher
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.evidence.read import entry_stream
from lgsp_gateway.registry.replica import RegistryReplica
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text
from lgsp_runtime.background import Background

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lgsp_gateway.evidence.search.store import Index

MAX_BATCHES_BEHIND = 5_000
"""Batches that the index may be behind the stream; it catches up with some 700 a second."""
MAX_STALLED_SECONDS = 15.0
"""For how long the index may make no progress while there are entries to bring in."""
MAX_UNSIGNED_SECONDS = 10.0
MAX_CLOCK_JUMP_SECONDS = 5.0
CLOCK_SETTLES_SECONDS = 600.0
"""After which a clock that jumped, and stayed, is taken for right."""


class GatewayChecks:
    """The checks of one gateway. Each returns what is wrong, or None.

    Args:
        index: None where this gateway has none.
    """

    def __init__(
        self,
        connection: Client,
        replica: RegistryReplica,
        registry: RegistrySnapshot,
        evidence: EvidenceLog,
        publisher: CheckpointPublisher,
        index: "Index | None",
        background: Background,
    ) -> None:
        self._connection = connection
        self._replica = replica
        self._registry = registry
        self._evidence = evidence
        self._publisher = publisher
        self._index = index
        self._background = background
        self._clock_offset = time.time() - time.monotonic()
        self._last_jump = (0.0, time.monotonic())
        self._last_progress = (-1, time.monotonic())

    def by_name(self) -> "Mapping[str, Callable[[], Awaitable[Text | None]]]":
        """Return the checks by the names under which `lgsp doctor` and the metrics show them, in the order to show."""
        return {
            "tasks": self._check_background_tasks,
            "registry": self._check_registry,
            "evidence": self._check_evidence,
            "checkpoints": self._check_checkpoints,
            "log": self._check_log,
            "index": self._check_index,
            "clock": self._check_clock,
        }

    async def _check_background_tasks(self) -> Text | None:
        failing = ", ".join(f"{name} ({error})" for name, error in self._background.failures().items())
        if not failing:
            return None
        return Text(
            f"Tác vụ nền của gateway liên tục lỗi: {failing}; hãy xem nhật ký của gateway, khởi động lại, và báo lỗi này nếu vẫn còn.",
            f"Background tasks of the gateway fail: {failing}; read its log, restart it, and report this if it persists.",
        )

    async def _check_registry(self) -> Text | None:
        if self._replica.in_step:
            return self._check_unreadable_documents()
        seconds = round(self._replica.stale_for())
        return Text(
            f"Bản sao sổ đăng ký chưa được đồng bộ đã {seconds} giây; hãy kiểm tra kết nối tới NATS.",
            f"The copy of the registry has not been up to date for {seconds} s; check the connection to NATS.",
        )

    def _check_unreadable_documents(self) -> Text | None:
        documents = ", ".join(sorted(f"{kind} {name}" for kind, name in self._registry.unreadable))
        if not documents:
            return None
        return Text(
            f"Các tài liệu chưa có hiệu lực vì không đọc được: {documents}; hãy sửa và áp dụng lại, và xem nhật ký của gateway.",
            f"Documents cannot be read, so they are not in force: {documents}; correct and apply them again, and see the gateway's log.",
        )

    async def _check_evidence(self) -> Text | None:
        if not self._evidence.unwritten and not self._evidence.entries_dropped:
            return None
        pending, dropped = self._evidence.unwritten, self._evidence.entries_dropped
        return Text(
            f"{pending} mục bằng chứng đang chờ ghi, {dropped} mục đã mất; hãy kiểm tra đĩa và JetStream của NATS.",
            f"{pending} entries of evidence wait to be written, {dropped} were lost; check the disk and JetStream of NATS.",
        )

    async def _check_checkpoints(self) -> Text | None:
        seconds = self._publisher.unsigned_for()
        if seconds < MAX_UNSIGNED_SECONDS:
            return None
        return Text(
            f"Đã {seconds:.0f} giây không ký được bản chốt; hãy kiểm tra luồng LGSP_CHECKPOINTS.",
            f"No checkpoint has been signed for {seconds:.0f} s; check the stream LGSP_CHECKPOINTS.",
        )

    async def _check_log(self) -> Text | None:
        last_written = max(self._publisher.sequence, self._evidence.last_batch)
        last = await entry_stream.last_sequence(self._connection)
        if last >= last_written:
            return None
        return Text(
            f"Luồng bằng chứng kết thúc ở nhóm {last}, trước nhóm {last_written} đã ghi: có mục bị xóa; hãy báo kiểm toán viên và khôi phục từ bản sao lưu.",
            f"The evidence stream ends with batch {last}, before batch {last_written}, which was written: entries were removed; tell an auditor, and restore a backup.",
        )

    async def _check_index(self) -> Text | None:
        if self._index is None:
            return None
        indexed, now = await self._index.progress(), time.monotonic()
        behind = await entry_stream.last_sequence(self._connection) - indexed
        if behind <= 0 or indexed != self._last_progress[0]:
            self._last_progress = (indexed, now)
        if behind < MAX_BATCHES_BEHIND and now - self._last_progress[1] < MAX_STALLED_SECONDS:
            return None
        since = await entry_stream.written_at(self._connection, indexed + 1)
        first_missing = local_time(since)
        return Text(
            f"Chỉ mục tìm kiếm không được cập nhật: thiếu {behind} nhóm ghi từ {first_missing} nên tìm kiếm không thấy chúng; hãy xem nhật ký của `lgsp indexer run`, khởi động lại nó, và kiểm tra cơ sở dữ liệu của chỉ mục.",
            f"The search index makes no progress: it lacks {behind} batches written since {first_missing}, which searches do not find; read the log of `lgsp indexer run`, restart it, and check the index's database.",
        )

    async def _check_clock(self) -> Text | None:
        jump = time.time() - time.monotonic() - self._clock_offset
        if abs(jump - self._last_jump[0]) > MAX_CLOCK_JUMP_SECONDS:
            self._last_jump = (jump, time.monotonic())
        elif time.monotonic() - self._last_jump[1] > CLOCK_SETTLES_SECONDS:  # it was set right, presumably
            self._clock_offset, self._last_jump, jump = self._clock_offset + jump, (0.0, time.monotonic()), 0.0
        ahead = self._publisher.last_signed_before - time.time()
        if abs(jump) < MAX_CLOCK_JUMP_SECONDS and ahead < MAX_CLOCK_JUMP_SECONDS:
            return None
        seconds = jump if abs(jump) >= MAX_CLOCK_JUMP_SECONDS else -ahead
        return Text(
            f"Đồng hồ máy đã nhảy {seconds:+.0f} giây; hãy kiểm tra NTP: mã truy cập, quyền khai thác và bằng chứng đều dựa vào đồng hồ này.",
            f"The clock of this machine has jumped by {seconds:+.0f} s; check NTP: tokens, grants and evidence depend on it.",
        )


def local_time(seconds: object) -> str:
    """Return a time, in seconds since 1970, as text in Vietnam's time zone; "-" for anything else, as an adapter may send."""
    if not isinstance(seconds, (int, float)) or not 0 < seconds < 1e11:
        return "-"
    return f"{datetime.datetime.fromtimestamp(seconds, VIETNAM):%H:%M:%S %d/%m/%Y}"
