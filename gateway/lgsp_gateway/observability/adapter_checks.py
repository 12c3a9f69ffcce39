"""Checks of the adapters and the systems behind them, from what adapter discovery has collected."""

import heapq
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from lgsp_contracts.names import ServiceName
from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery
from lgsp_gateway.observability.gateway_checks import local_time
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text

MAX_SERVICES_NAMED = 20
"""Services that one sentence lists; there may be thousands."""

REST_SECONDS = 120.0
"""How long after its time a look may begin, and clocks of machines may differ."""

Describe = Callable[[str, str, Mapping[str, Any]], Iterable[str]]
"""Describes what is wrong with a service's operation, by its status as discovery has it; empty where nothing is."""


class AdapterChecks:
    """The checks of all adapters on the bus. Each returns what is wrong, or None."""

    def __init__(self, registry: RegistrySnapshot, adapters: AdapterDiscovery) -> None:
        self._registry = registry
        self._adapters = adapters
        self._watched: dict[tuple[str, str], float] = {}

    def by_name(self) -> Mapping[str, Callable[[], Awaitable[Text | None]]]:
        """Return the checks by the names under which `lgsp doctor` and the metrics show them, in the order to show."""
        return {
            "adapters": self._check_unserved_services,
            "drained adapters": self._check_drained_services,
            "upstreams": self._check_upstreams,
            "data": self._check_outdated_data,
            "data keys": self._check_rows_without_key,
            "adapter tasks": self._check_background_tasks,
            "watches": self._check_watches,
            "watches at rest": self._check_watches_at_rest,
            "set aside": self._check_set_aside,
        }

    async def _check_unserved_services(self) -> Text | None:
        if not self._adapters.updated_at:
            return None
        unserved = self._registry.services.with_operations() - {
            instance.service for instance in self._adapters.instances
        }
        if not unserved:
            return None
        named = ", ".join(heapq.nsmallest(MAX_SERVICES_NAMED, unserved))
        named += ", …" if len(unserved) > MAX_SERVICES_NAMED else ""
        return Text(
            f"Không có bộ kết nối nào phục vụ {len(unserved)} dịch vụ: {named}; hãy chạy `lgsp adapter run`.",
            f"No adapter serves {len(unserved)} of the services: {named}; run `lgsp adapter run`.",
        )

    async def _check_drained_services(self) -> Text | None:
        instances = self._adapters.instances
        serving = {one.service for one in instances if not self._adapters.is_drained(one)}
        drained = {one.service for one in instances} - serving
        if not drained:
            return None
        named = ", ".join(heapq.nsmallest(MAX_SERVICES_NAMED, drained))
        named += ", …" if len(drained) > MAX_SERVICES_NAMED else ""
        return Text(
            f"Mọi bộ kết nối của {len(drained)} dịch vụ đang tạm dừng nên không ai trả lời: {named}; hãy cho chạy lại bằng `lgsp adapter resume`.",
            f"All adapters of {len(drained)} of the services are drained, so nobody answers: {named}; resume them with `lgsp adapter resume`.",
        )

    async def _check_upstreams(self) -> Text | None:
        down = self._describe_operations(_describe_upstream)
        if not down:
            return None
        return Text(
            f"Hệ thống nguồn không trả lời lần gọi gần nhất: {down}; hãy liên hệ đơn vị quản lý. Lần gọi sau sẽ cho biết đã khắc phục chưa.",
            f"Upstream systems did not answer the last call: {down}; contact those who run them. The next call shows whether they have recovered.",
        )

    async def _check_outdated_data(self) -> Text | None:
        outdated = self._describe_operations(_describe_data)
        if not outdated:
            return None
        return Text(
            f"Đang trả lời từ dữ liệu cũ: {outdated}; hãy xem báo cáo cạnh tệp mới hơn và nhật ký của bộ kết nối.",
            f"Adapters answer from old data: {outdated}; read the report beside the newer file, and the adapter's log.",
        )

    async def _check_rows_without_key(self) -> Text | None:
        incomplete = self._describe_operations(_describe_rows_without_key)
        if not incomplete:
            return None
        return Text(
            f"Có dòng thiếu giá trị để tra cứu nên không bao giờ được tìm thấy: {incomplete}; hãy bổ sung, báo cáo cạnh tệp nêu các dòng đó.",
            f"Rows have no key and are never found: {incomplete}; complete them, the report beside the file lists their lines.",
        )

    async def _check_background_tasks(self) -> Text | None:
        failing = self._describe_operations(_describe_tasks)
        if not failing:
            return None
        return Text(
            f"Tác vụ nền của bộ kết nối liên tục lỗi: {failing}; hãy xem nhật ký của bộ kết nối rồi khởi động lại.",
            f"Background tasks of adapters fail: {failing}; read the adapter's log, then restart it.",
        )

    async def _check_watches(self) -> Text | None:
        wrong = {
            text
            for service, event, status in self._adapters.watches()
            for text in _describe_watch(service, event, status)
        }
        if not wrong:
            return None
        vi, en = (", ".join(sorted(text.in_language(language) for text in wrong)) for language in ("vi", "en"))
        return Text(
            f"Bộ kết nối chưa công bố được sự kiện: {vi}; hãy sửa dữ liệu hoặc bản khai, bộ kết nối sẽ tự thử lại.",
            f"Adapters cannot publish events: {en}; correct the data or the manifest, the adapter tries again by itself.",
        )

    async def _check_watches_at_rest(self) -> Text | None:
        """Say which watches nobody looks after: an adapter that does not look when it should, or that is gone since this gateway started."""
        now = time.time()
        for service, event, status in self._adapters.watches():
            looked = max(status["lastRead"], status["lastEvent"], status["nextLook"])
            if looked:
                self._watched[service, event] = max(self._watched.get((service, event), 0.0), min(looked, now))
        at_rest = ", ".join(
            f"{service}/{event} ({local_time(looked)})"
            for (service, event), looked in sorted(self._watched.items())
            if looked < now - REST_SECONDS and self._is_announced(service, event)
        )
        if not at_rest:
            return None
        return Text(
            f"Không còn bộ kết nối nào theo dõi: {at_rest}; hãy chạy lại bộ kết nối (`lgsp adapter run`) và xem nhật ký của nó.",
            f"Nobody watches any more: {at_rest}; run the adapter (`lgsp adapter run`) and read its log.",
        )

    def _is_announced(self, service: str, event: str) -> bool:
        services = self._registry.services
        majors = services.providers.get(ServiceName(service), {})
        return any(event in services.events_of(ServiceName(service), major) for major in majors)

    async def _check_set_aside(self) -> Text | None:
        aside = self._describe_operations(_describe_set_aside)
        if not aside:
            return None
        return Text(
            f"Bộ kết nối đã để riêng những gì chưa giao được: {aside}; hãy sửa nguyên nhân, bộ kết nối tự thử lại mỗi giờ.",
            f"Adapters have set aside what they cannot deliver: {aside}; mend the cause, the adapter tries again every hour.",
        )

    def _describe_operations(self, describe: Describe) -> str:
        """Return the descriptions of all operations of all instances, each once, in order; "" where nothing is wrong."""
        descriptions = {
            description
            for service, operation, status in self._adapters.operations()
            for description in describe(service, operation, status)
        }
        return ", ".join(sorted(descriptions))


def _describe_upstream(service: str, operation: str, status: Mapping[str, Any]) -> Iterable[str]:
    upstream = status.get("upstream", {})
    if not upstream.get("up", True):
        reason = ": ".join(str(part) for part in (upstream["lastReason"], upstream.get("lastNote")) if part)
        yield f"{service}/{operation} ({reason}, {local_time(upstream.get('lastFailure'))})"


def _describe_data(service: str, _: str, status: Mapping[str, Any]) -> Iterable[str]:
    data = status.get("data")
    if isinstance(data, dict) and not data.get("current", True):
        yield f"{service} ({data.get('file', '-')}, {local_time(data.get('since'))}: {data.get('why', '-')})"


def _describe_rows_without_key(service: str, _: str, status: Mapping[str, Any]) -> Iterable[str]:
    data = status.get("data")
    if isinstance(data, dict) and data.get("withoutKey"):
        yield f"{service} ({data.get('file', '-')}: {data['withoutKey']})"


def _describe_set_aside(service: str, _: str, status: Mapping[str, Any]) -> Iterable[str]:
    aside = status.get("setAside")
    if isinstance(aside, dict) and aside["count"]:
        yield f"{service} ({aside['count']}, {local_time(aside['since'])}: {aside['reason']})"


def _describe_tasks(service: str, _: str, status: Mapping[str, Any]) -> Iterable[str]:
    tasks = status.get("tasks")
    if isinstance(tasks, dict):
        for name, error in tasks.items():
            yield f"{service}: {name} ({error})"


def _describe_watch(service: str, event: str, status: Mapping[str, Any]) -> Iterable[Text]:
    if status["state"] == "failing":
        reason = f"{service}/{event} ({status['reason']})"
        yield Text(reason, reason)
    if status["held"]:
        first = next((fault["fault"] for fault in status["faults"]), "-")
        yield Text(
            f"{service}/{event} (đang giữ lại: {status['held']}; {first})",
            f"{service}/{event} (held: {status['held']}; {first})",
        )
