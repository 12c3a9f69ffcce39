"""What NATS servers say of their streams: a failed write is reported at once, a leader that is being chosen is not."""

import time
from typing import Any

import pytest

from lgsp_gateway.delivery.storage.stream_health import StreamHealth


def of_stream(name: str, error: str) -> dict[str, Any]:
    """An error as nats-server 2.15 says it."""
    return {"type": "STREAM", "account": "LGSP", "stream": name, "error": f"JetStream stream 'LGSP > {name}' {error}"}


WITHOUT_LEADER = of_stream("LGSP_WORK", "is not current: group node unhealthy")
FULL = of_stream("LGSP_EVIDENCE", "write error: write /data/1.blk: no space left on device")


def test_a_failed_write_is_told_from_a_lost_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    health, now = StreamHealth(), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    health.note("nats-1", [WITHOUT_LEADER, FULL, {"type": "SERVER", "error": "other"}])
    assert (health.unwritable(), health.behind()) == ({"nats-1": ["LGSP_EVIDENCE"]}, {})
    now[0] += 10
    health.note("nats-1", [])
    assert (health.unwritable(), health.behind()) == ({}, {})


def test_a_server_that_stays_behind_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    health, now = StreamHealth(), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    for _ in range(12):
        assert health.behind() == {}
        health.note("nats-1", [WITHOUT_LEADER])
        now[0] += 5
    assert health.behind() == {"nats-1": ["LGSP_WORK"]}
    now[0] += 60
    assert health.behind() == {}, "a server that says nothing any more is gone"
