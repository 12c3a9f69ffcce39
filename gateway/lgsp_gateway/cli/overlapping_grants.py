"""Grants of one consumer that cover the same operation for the same purpose: only one of them answers a call.

Whoever writes or approves a grant sees from a notice that it may change nothing yet, because another one answers. The notice is made
from what the caller may read anyhow.
"""

from collections.abc import Iterable
from typing import Any

from lgsp_gateway.cli.registry_client import Document, RegistryClient
from lgsp_gateway.cli.registry_output import phase_of
from lgsp_gateway.cli.texts import localized
from lgsp_problems import Text

_ENDED = ("denied", "revoked")


async def overlap_notice(client: RegistryClient, document: Document) -> str:
    """Return a line on the other grants that cover the same calls as a grant, the first by its name; empty where there is none.

    Args:
        client: asks as the caller, who sees of other grants those that they may read.
        document: of any kind; only a grant that may come into force is compared.
    """
    if document["kind"] != "Grant" or phase_of(document) in _ENDED:
        return ""
    spec = document["spec"]
    others = await client.find("grants", consumer=spec["consumer"], service=spec["service"])
    found = overlapping(document, others)
    return _notice(found[0], len(found) - 1) if found else ""


def overlapping(document: Document, others: Iterable[Document]) -> list[tuple[str, list[str], list[str]]]:
    """Find the grants that cover some of the same calls or events at some time: name, operations and events, and purposes in common.

    Args:
        document: the grant that was written.
        others: grants of the same consumer on the same service, of any major version; `document` itself may be among them.
    """
    spec, name, found = document["spec"], document["metadata"]["name"], []
    for other in others:
        if other["metadata"]["name"] == name or phase_of(other) in _ENDED:
            continue
        held = other["spec"]
        common = sorted(
            name for part in ("operations", "events") for name in set(spec.get(part, ())) & set(held.get(part, ()))
        )
        purposes = sorted(set(spec["purposes"]) & set(held["purposes"]))
        if held["major"] == spec["major"] and common and purposes and _meet(spec, held):
            found.append((other["metadata"]["name"], common, purposes))
    return found


def _meet(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two grants are valid on a common day (ISO 8601 dates sort as texts)."""
    return bool(one["validFrom"] <= other["validUntil"] and other["validFrom"] <= one["validUntil"])


def _notice(overlap: tuple[str, list[str], list[str]], more: int) -> str:
    name, operations, purposes = overlap[0], ", ".join(overlap[1]), ", ".join(overlap[2])
    others = Text(f" (và {more} quyền khác)", f" (and {more} more)") if more else Text("", "")
    return localized(
        f"    chú ý: quyền {name}{others.vi} của hệ thống này cũng cho gọi {operations} với mục đích {purposes}; khi cả hai có hiệu lực, "
        f"quyền lâu không thay đổi hơn được dùng. Để mở rộng, hãy sửa {name} thay vì tạo quyền thứ hai.\n",
        f"    note: grant {name}{others.en} of this consumer covers {operations} for {purposes} too; while both are in force, the one "
        f"that was changed longest ago is used. To widen it, change {name} instead of adding a second grant.\n",
    )
