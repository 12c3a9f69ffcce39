"""Shows who paused, resumed or deleted what belongs to a system."""

from typing import Any
from urllib.parse import urlencode

import orjson

from lgsp_contracts.cli.terminal import err
from lgsp_gateway.cli import tables
from lgsp_gateway.cli.bus_client import BusClient
from lgsp_gateway.cli.json_output import print_json
from lgsp_gateway.cli.texts import localized


def describe(document: dict[str, Any]) -> str:
    """Return what was decided last about an endpoint or a subscription, by whom, when and why; "" where nobody did.

    Args:
        document: an endpoint or a subscription; or a deletion, whose place says what was decided.
    """
    decision = document.get("decision")
    if not decision:
        return ""
    role = {
        "owner": localized("hệ thống", "its owner"),
        "operator": localized("người vận hành", "an operator"),
        "receiver": localized("nơi nhận", "its receiver"),
    }[decision["role"]]
    who = f"{role} {decision['by']}".rstrip()
    step = {
        "active": localized("cho chạy tiếp: ", "resumed: "),
        "paused": localized("tạm dừng: ", "paused: "),
        "ended": localized("kết thúc: ", "ended: "),
    }.get(document.get("state", ""), "")
    return step + ", ".join(filter(None, (decision.get("reason", ""), who, decision["at"])))


def show_history(client: BusClient, path: str, output: str) -> None:
    """Print who changed an endpoint or a subscription, the oldest change first.

    Args:
        path: of the endpoint or subscription.
        output: `table`, or `json`.
    """
    items = orjson.loads(client.get(f"{path}/history"))["items"]
    if output == "json":
        print_json(items)
        return
    rows = [
        (
            one["at"],
            one["step"],
            f"{one['role']} {one['by']}".rstrip(),
            one.get("reason", ""),
            orjson.dumps(one.get("details", {})).decode() if one.get("details") else "",
        )
        for one in items
    ]
    titles = [
        localized("LÚC", "TIME"),
        localized("VIỆC", "STEP"),
        localized("AI", "BY"),
        localized("LÝ DO", "REASON"),
        localized("NỘI DUNG", "DETAILS"),
    ]
    tables.show(titles, rows)


def with_reason(path: str, reason: str) -> str:
    """Return a path with a reason as its query, where there is one."""
    return f"{path}?{urlencode({'reason': reason})}" if reason else path


def show_deletions(client: BusClient, kind: str, system: str) -> None:
    """Print which endpoints or subscriptions were deleted in the last 30 days.

    Args:
        kind: `endpoint` or `subscription`.
        system: only of this system; "" for all that the caller sees.
    """
    items = orjson.loads(client.get("/deletions", {"system": system} if system else {}))["items"]
    rows = [(one["id"], one["system"], one["name"], describe(one)) for one in items if one["kind"] == kind]
    titles = [
        localized("MÃ", "ID"),
        localized("HỆ THỐNG", "SYSTEM"),
        localized("TÊN", "NAME"),
        localized("XÓA", "DELETED"),
    ]
    tables.show(titles, rows)
    if not rows:
        err(f"{localized('Không có gì bị xóa trong 30 ngày qua.', 'Nothing was deleted in the last 30 days.')}\n")
