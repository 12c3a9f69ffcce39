"""Which grants are pointed out to whoever writes a grant of the same consumer."""

from typing import Any

import pytest

from lgsp_gateway.cli.overlapping_grants import overlapping


def held(name: str, phase: str = "in-force", **differing: Any) -> dict[str, Any]:
    spec = {
        "major": 1,
        "operations": {"read": {"fields": ["/a"]}, "verify": {"fields": ["*"]}},
        "purposes": ["mot", "hai"],
        "validFrom": "2026-01-01",
        "validUntil": "2026-12-31",
    }
    return {"kind": "Grant", "metadata": {"name": name}, "spec": {**spec, **differing}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("other", "common"),
    [
        (held("first"), (["read", "verify"], ["hai", "mot"])),
        (held("first", "suspended"), (["read", "verify"], ["hai", "mot"])),
        (held("first", "requested", operations={"read": {}}, purposes=["mot"]), (["read"], ["mot"])),
        (held("first", validFrom="2026-12-31", validUntil="2027-12-31"), (["read", "verify"], ["hai", "mot"])),
        (held("first", validFrom="2027-01-01", validUntil="2027-12-31"), None),
        (held("first", major=2), None),
        (held("first", purposes=["ba"]), None),
        (held("first", operations={"write": {}}), None),
        (held("first", "revoked"), None),
        (held("first", "denied"), None),
        (held("second"), None),
    ],
)
def test_grants_that_cover_the_same_calls(other: dict[str, Any], common: tuple[list[str], list[str]] | None) -> None:
    found = overlapping(held("second"), [other])
    assert found == ([("first", *common)] if common else [])
