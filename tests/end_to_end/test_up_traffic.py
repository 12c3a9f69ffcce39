"""`lgsp up --traffic`: a working day passes through the demo bus by its own API, and ends with it."""

import json
from pathlib import Path
from typing import Any

import pytest
from end_to_end.test_up import Up
from support.waits import eventually

pytestmark = pytest.mark.long


async def test_a_working_day_passes_and_ends_with_the_bus(tmp_path: Path) -> None:
    up = Up(tmp_path)
    up.process.command.append("--traffic")
    await up.start()

    async def flows() -> list[dict[str, Any]]:
        code, out, err = await up.lgsp("flows", "--window", "1h", "-o", "json")
        assert code == 0, err
        return list(json.loads(out)["items"])

    async def passes(kind: str, consumer: str, operation: str) -> bool:
        sought = (kind, consumer, operation)
        return any((one["kind"], one["consumer"], one["operation"]) == sought for one in await flows())

    try:
        await eventually(lambda: passes("call", "benh-vien", "check-health-card"))
        await eventually(lambda: passes("call", "mot-cua", "verify-citizen"))
        await eventually(lambda: passes("event", "", "dossier-changed"))
        await eventually(lambda: passes("delivery", "cong-dvcqg", "dossier-changed"))
        await eventually(lambda: passes("delivery", "van-ban-tai-chinh", "send-document"))
        assert not [one for one in await flows() if one["errorRate"]], "nothing fails before ten"
    finally:
        assert await up.stop() == 0
