"""What a system may upload: files that one of its grants, or a contract that it provides, has a field for.

The limits stand in the contract, beside the field (`x-lgsp-file`), since the provider knows what it can take; a grant may narrow them
(`files`) for its consumer. A system that could pass no file on to anybody may not upload one.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from lgsp_auth.policy import Officer
from lgsp_contracts.file_references import FileLimits, all_limits
from lgsp_contracts.names import SystemName
from lgsp_gateway.registry.documents import DocumentSpec
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal


class _Remembered(NamedTuple):
    """What was decided by a revision of the registry, and holds until a grant begins or ends to be in force."""

    revision: int
    until: float
    limits: tuple[tuple[FileLimits, ...], ...]


class UploadRights:
    """Decides what systems may upload; remembers the answer until the registry changes, or a grant begins or ends."""

    def __init__(self, registry: RegistrySnapshot, max_size: int) -> None:
        self._registry = registry
        self._max_size = max_size
        self._remembered: dict[tuple[str, Officer | None], _Remembered] = {}

    def check(self, system: SystemName, media_type: str, size: int, now: float, officer: Officer | None = None) -> None:
        """Check that a system may upload a file.

        Args:
            officer: who uploads by the form system of an agency; None where a system does by itself.

        Raises:
            Refusal: `not-granted`, where it may upload none; `file-not-allowed`.
        """
        if size > self._max_size:
            raise _too_large(self._max_size)
        fields = self._fields(system, now, officer)
        if not fields:
            raise Refusal(
                "not-granted",
                vi=f"Hệ thống {system} chưa có quyền khai thác hay dịch vụ nào có trường tệp nên không tải tệp lên được; hãy đề nghị cấp quyền cho thao tác nhận tệp.",
                en=f"System {system} has no grant and no service with a field for a file, so it cannot upload one; request a grant for an operation that takes files.",
            )
        of_type = [limits for limits in fields if all(limit.allows_type(media_type) for limit in limits)]
        if not of_type:
            raise Refusal(
                "file-not-allowed",
                vi="Không hợp đồng nào của hệ thống này nhận tệp thuộc loại nội dung đó; hãy xem mediaTypes trong hợp đồng.",
                en="No contract of this system takes a file of this media type; see mediaTypes in the contract.",
            )
        if not any(all(limit.allows_size(size) for limit in limits) for limits in of_type):
            largest = max(min((limit.max_size for limit in limits if limit.max_size), default=0) for limits in of_type)
            raise _too_large(largest)

    def _fields(self, system: SystemName, now: float, officer: Officer | None) -> tuple[tuple[FileLimits, ...], ...]:
        """Return the limits of each field that the system may fill: the contract's, and its grant's."""
        remembered = self._remembered.get((system, officer))
        if remembered is None or remembered.revision != self._registry.revision or remembered.until <= now:
            grants = self._registry.grants.held_by(system)
            changes = [at for grant in grants for at in (grant.valid_from, grant.valid_until) if at > now]
            fields = tuple(self._find_fields(system, now, officer))
            remembered = _Remembered(self._registry.revision, min(changes, default=math.inf), fields)
            self._remembered[system, officer] = remembered
        return remembered.limits

    def _find_fields(self, system: SystemName, now: float, officer: Officer | None) -> Iterator[tuple[FileLimits, ...]]:
        registry = self._registry
        for grant in registry.grants.held_by(system):
            contract = registry.contract_document(grant.service, grant.major)
            if contract is None or not grant.in_force(now) or not grant.is_for(officer):
                continue
            of_grant = FileLimits(grant.file_types, grant.max_file_bytes)
            for name in grant.operations:
                operation = contract.get("operations", {}).get(name, {})
                for limits in all_limits(operation.get("request")):
                    yield (limits, of_grant)
        for name in registry.services:
            version = registry.service_in_force(name)
            spec: DocumentSpec = version.spec or {} if version else {}
            contract = spec.get("contract", {})
            if contract.get("provider") != system:
                continue
            for operation in contract.get("operations", {}).values():
                yield from ((limits,) for limits in all_limits(operation.get("response")))
            for event in contract.get("events", {}).values():
                yield from ((limits,) for limits in all_limits(event.get("data")))


def _too_large(size: int) -> Refusal:
    shown = f"{size / (1 << 20):.0f} MiB" if size >= 1 << 20 else f"{size / 1024:.0f} KiB"
    return Refusal(
        "file-not-allowed",
        vi=f"Tệp lớn hơn giới hạn {shown}; hãy chia nhỏ tệp, hoặc đề nghị bên cung cấp nâng giới hạn trong hợp đồng.",
        en=f"The file is larger than the limit of {shown}; divide it, or ask the provider to raise the limit in its contract.",
    )
