"""`lgsp subscriptions …`, as the developer of a subscriber uses it, with an event that its provider publishes over HTTP."""

import json
from pathlib import Path

from support.preloaded import run
from support.subscribing import DATA, EVENT, PURPOSE, SERVICE, Subscribing, subscribed_bus


async def publish(events: Subscribing, event_id: str) -> None:
    """Publish an event as its provider does."""
    attributes = {"specversion": "1.0", "id": event_id, "source": "/systems/provider"}
    event = {**attributes, "type": f"lgsp.{SERVICE}.v1.{EVENT}", "datacontenttype": "application/json", "data": DATA}
    headers = {
        "Authorization": f"Bearer {events.bus.token('provider')}",
        "Content-Type": "application/cloudevents+json",
    }
    path = f"/events/{SERVICE}/v1/{EVENT}"
    async with events.bus.session.post(path, data=json.dumps(event), headers=headers) as answer:
        assert answer.status in (200, 201, 202), await answer.text()


async def test_a_subscription_by_command_from_its_creation_to_its_end(tmp_path: Path) -> None:
    events = await subscribed_bus(tmp_path)

    async def lgsp(*arguments: str, system: str = "alpha", language: str = "C") -> tuple[int, str, str]:
        where = ["--url", f"http://127.0.0.1:{events.bus.port}", "--token", events.bus.token(system)]
        return await run("subscriptions", *arguments, *where, environment={"LC_ALL": language})

    wish = ("create", SERVICE, EVENT, "--name", "so-ho-tich", "--purpose", PURPOSE)
    code, out, err = await lgsp(*wish, "--filter", "can > `1`")
    assert code == 0, err
    found = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert (found["state"], found["delivery"], found["filter"]) == ("active", "pull, visibility 30", "can > `1`")
    await publish(events, "e-1")
    code, out, err = await lgsp("events", found["id"])
    assert code == 0, err
    [event] = map(json.loads, out.splitlines())
    assert (event["id"], event["data"]) == ("e-1", {"maHoSo": DATA["maHoSo"], "tinh": DATA["tinh"], "can": DATA["can"]})
    assert {"subject", "orderingkey", "wire"}.isdisjoint(event)
    assert "paused" in (await lgsp("pause", found["id"], "-m", "server moves"))[1]
    assert "paused: server moves, its owner" in (await lgsp("show", found["id"]))[1]
    assert "resumed: its owner" in (await lgsp("resume", found["id"]))[1]
    translated = (await lgsp("show", found["id"], language="vi_VN.UTF-8"))[1]
    assert [word in translated for word in ("trạng thái ", "cho chạy tiếp: hệ thống", "tồn đọng ")] == [True] * 3
    assert "TRẠNG THÁI" in (await lgsp("list", language="vi_VN.UTF-8"))[1]
    assert (await lgsp("replay", found["id"], "--from", "1"))[0] == 0
    code, out, _ = await lgsp("events", found["id"])
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["e-1"]
    code, out, err = await lgsp("replay", found["id"], "--from", "1", "--filter", "tinh == '22'")
    assert (code, out) == (0, "1 event is delivered again\n"), err
    code, out, err = await lgsp("test", found["id"], "--event", EVENT)
    assert (code, out.split()[:2]) == (0, [f"{EVENT}:", "queued,"]), err
    code, out, _ = await lgsp("events", found["id"])
    assert [json.loads(line).get("lgsptest", False) for line in out.splitlines()] == [False, True]
    assert found["id"] in (await lgsp("list", system="operator"))[1]
    assert (await lgsp("show", found["id"], system="beta"))[0] == 1
    code, _, err = await lgsp(*wish, "--filter", "hoVaTen == 'An'")
    assert (code, "hoVaTen" in err) == (1, True)
    for kind, option in (("webhook", "--webhook"), ("adapter", "--operation")):
        code, _, err = await lgsp(*wish, "--delivery", kind)
        assert (code, option in err) == (1, True)
    code, _, err = await lgsp(*wish, "--webhook", "nobody")
    assert (code, "webhook endpoint" in err) == (1, True), err
    code, _, err = await lgsp("create", SERVICE, EVENT, "--name", "", "--purpose", PURPOSE)
    assert (code, "/name: " in err) == (1, True)
    assert (await lgsp("delete", found["id"]))[0] == 0
    assert json.loads((await lgsp("list", "-o", "json"))[1]) == []
    await events.stop()
