"""Checks of the adapters and the systems behind them, from what adapter discovery has collected."""

import heapq
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery
from lgsp_gateway.observability.gateway_checks import local_time
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text

MAX_SERVICES_NAMED = 20
"""Services that one sentence lists; there may be thousands."""

Describe = Callable[[str, str, Mapping[str, Any]], Iterable[str]]
"""Describes what is wrong with a service's operation, by its status as discovery has it; empty where nothing is."""


class AdapterChecks:
    """The checks of all adapters on the bus. Each returns what is wrong, or None."""

    def __init__(self, registry: RegistrySnapshot, adapters: AdapterDiscovery) -> None:
        self._registry = registry
        self._adapters = adapters

    def by_name(self) -> Mapping[str, Callable[[], Awaitable[Text | None]]]:
        """Return the checks by the names under which `lgsp doctor` and the metrics show them, in the order to show."""
        return {
            "adapters": self._check_unserved_services,
            "upstreams": self._check_upstreams,
            "data": self._check_outdated_data,
            "data keys": self._check_rows_without_key,
            "adapter tasks": self._check_background_tasks,
        }

    async def _check_unserved_services(self) -> Text | None:
        if not self._adapters.updated_at:
            return None
        unserved = self._registry.services.names() - {instance.service for instance in self._adapters.instances}
        if not unserved:
            return None
        named = ", ".join(heapq.nsmallest(MAX_SERVICES_NAMED, unserved))
        named += ", …" if len(unserved) > MAX_SERVICES_NAMED else ""
        return Text(
            f"Không có bộ kết nối nào phục vụ {len(unserved)} dịch vụ: {named}; hãy chạy `lgsp adapter run`.",
            f"No adapter serves {len(unserved)} of the services: {named}; run `lgsp adapter run`.",
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


def _describe_tasks(service: str, _: str, status: Mapping[str, Any]) -> Iterable[str]:
    tasks = status.get("tasks")
    if isinstance(tasks, dict):
        for name, error in tasks.items():
            yield f"{service}: {name} ({error})"
