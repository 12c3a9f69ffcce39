"""Full names of systems, as the national axis and X-Road write them: `VN/GOV/H49.12/mot-cua`.

Within the bus a system has one name, its bare one: the full name of one of ours is taken for that, wherever it is said, so that evidence
and grants speak of it in one way. A name of another instance is refused until there are peers.
"""

from collections.abc import Mapping
from typing import Any

from lgsp_contracts.names import SystemName
from lgsp_contracts.qualified_names import QualifiedName, parse_system
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal


def full_name(system: SystemName, registry: RegistrySnapshot) -> QualifiedName | None:
    """Return the full name of a registered system; None where the bus has no name of its own."""
    entry, instance = registry.systems.get(system), registry.instance
    if entry is None or instance is None:
        return None
    return QualifiedName(instance.identifier, instance.member_class, entry.agency, system)


def resolve_system(text: str, registry: RegistrySnapshot) -> SystemName:
    """Return the bare name of a system that is named in either form. A bare name is taken as it is.

    Raises:
        Refusal: `malformed`: no name, one of another instance, or a full name that none of our systems has.
    """
    system = find_system(text, registry)
    if system is None:
        instance = text.partition("/")[0]
        raise Refusal(
            "malformed",
            vi=f"Trục {instance} không có hệ thống nào mang tên đầy đủ này; hãy kiểm tra lớp thành viên, mã cơ quan và tên hệ thống.",
            en=f"No system of {instance} has this full name; check its member class, the code of its agency and its own name.",
        )
    return system


def find_system(text: str, registry: RegistrySnapshot) -> SystemName | None:
    """Return the bare name of a system that is named in either form; None for a full name that none of our systems has.

    A search answers None with nothing found, as it does for a system that whoever asks may not see.

    Raises:
        Refusal: `malformed`: no name, or one of another instance.
    """
    name = parse_system(text)
    if not isinstance(name, QualifiedName):
        return name
    instance = registry.instance
    if instance is None:
        raise Refusal(
            "malformed",
            vi="Trục này chưa có tên riêng nên không hiểu tên đầy đủ của hệ thống; hãy dùng tên ngắn, hoặc nhờ người vận hành khai báo Instance this.",
            en="This bus has no name of its own, so it knows no full names of systems; use the short name, or ask an operator to declare Instance this.",
        )
    if name.instance != instance.identifier:
        raise Refusal(
            "malformed",
            vi=f"Hệ thống này thuộc một trục khác, mà trục {instance.identifier} chưa kết nối với trục nào khác; hãy nêu một hệ thống của trục này.",
            en=f"This system belongs to another instance, and {instance.identifier} has no peers yet; name a system of this instance.",
        )
    system = SystemName(name.subsystem)
    return system if full_name(system, registry) == name else None


def with_bare_names(kind: Any, spec: Any, registry: RegistrySnapshot) -> Any:
    """Return the spec of a document with its consumer under its bare name; a document that may be anything else as it is.

    Raises:
        Refusal: `invalid-document`, as `resolve_system`.
    """
    consumer = spec.get("consumer") if kind == "Grant" and isinstance(spec, Mapping) else None
    if not isinstance(consumer, str) or "/" not in consumer:
        return spec
    try:
        return {**spec, "consumer": resolve_system(consumer, registry)}
    except Refusal as refusal:
        vi, en = refusal.detail.vi, refusal.detail.en
        raise Refusal("invalid-document", vi=f"/spec/consumer: {vi}", en=f"/spec/consumer: {en}") from refusal
