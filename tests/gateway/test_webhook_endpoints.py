"""`/endpoints`: who sees which, secrets that are shown once, pauses, tests and attempts."""

import asyncio
import json
import secrets
from typing import Any

import pytest
from aiohttp import web
from nats.aio.client import Client
from standardwebhooks import Webhook
from support.processes import free_port
from support.upstreams import served
from support.waits import eventually
from support.workbench import OWNER, Got, Workbench

from lgsp_gateway.delivery.probe_limiter import MAX_PER_MINUTE
from lgsp_gateway.delivery.webhooks.endpoint import MAX_ENDPOINTS, MAX_SECRETS
from lgsp_runtime.nats.connection import NatsEndpoint, connect

URL = "http://127.0.0.1:9/hook"


def name() -> str:
    return f"nhan-{secrets.token_hex(4)}"


async def create(bus: Workbench, url: str = URL, *, system: str = "alpha", **more: Any) -> dict[str, Any]:
    made = await bus.ask("POST", "/endpoints", {"name": name(), "url": url, **more}, system=system)
    assert made.status == 201, made.body
    assert made.headers["Location"] == f"/endpoints/{made.json['id']}"
    created: dict[str, Any] = made.json
    return created


async def problem(got: Got, status: int, code: str) -> None:
    assert (got.status, got.json["code"]) == (status, code), got.body


async def test_a_system_creates_reads_changes_and_deletes_its_endpoint(bus: Workbench) -> None:
    made = await create(bus, concurrency=3)
    path = f"/endpoints/{made['id']}"
    read = await bus.ask("GET", path)
    assert read.json == {key: value for key, value in made.items() if key != "secret"}
    assert (read.json["concurrency"], read.json["state"], read.json["system"]) == (3, "active", "alpha")
    by_name = await bus.ask("GET", f"/endpoints/{made['name']}")
    assert by_name.json["id"] == made["id"]
    changed = await bus.ask("PATCH", path, {"rate": 2.5, "url": f"{URL}/2"}, headers={"If-Match": read.headers["ETag"]})
    assert (changed.json["rate"], changed.json["url"], changed.json["concurrency"]) == (2.5, f"{URL}/2", 3)
    await problem(
        await bus.ask("PATCH", path, {"rate": 1}, headers={"If-Match": read.headers["ETag"]}), 412, "revision-conflict"
    )
    assert (await bus.ask("DELETE", path)).status == 204
    await problem(await bus.ask("GET", path), 404, "not-found")
    again = await bus.ask("POST", "/endpoints", {"name": made["name"], "url": URL})
    assert again.status == 201
    assert again.json["id"] != made["id"]


async def test_another_system_does_not_learn_that_an_endpoint_exists_and_an_operator_sees_it(bus: Workbench) -> None:
    made = await create(bus)
    path = f"/endpoints/{made['id']}"
    steps: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("PATCH", "", {"rate": 1}),
        ("DELETE", "", None),
        ("POST", "/secrets", {}),
        ("DELETE", f"/secrets/{made['secrets'][0]['id']}", None),
        ("POST", "/test", None),
        ("POST", "/pause", {}),
        ("POST", "/resume", None),
        ("GET", "/attempts", None),
        ("GET", "/history", None),
    ]
    for method, step, body in steps:
        for who in ("beta", "developer", "agency-admin", "auditor"):
            await problem(await bus.ask(method, path + step, body, system=who), 404, "not-found")
    await problem(await bus.ask("GET", f"/endpoints/{made['name']}", system="beta"), 404, "not-found")
    assert (await bus.ask("GET", path, system="operator")).json["name"] == made["name"]
    assert made["id"] not in {one["id"] for one in (await bus.ask("GET", "/endpoints", system="beta")).json["items"]}
    assert (await bus.ask("GET", "/endpoints?system=alpha", system="beta")).json["items"] == []
    seen = await bus.ask("GET", "/endpoints?system=alpha&limit=1000", system="operator")
    assert made["id"] in {one["id"] for one in seen.json["items"]}


async def test_an_operator_stops_an_endpoint_and_neither_redirects_it_nor_learns_a_secret(bus: Workbench) -> None:
    made = await create(bus)
    path, secret = f"/endpoints/{made['id']}", made["secrets"][0]["id"]
    for method, step, body in (
        ("PATCH", "", {"url": f"{URL}/x"}),
        ("PATCH", "", {"rate": 1}),
        ("POST", "/secrets", {}),
    ):
        await problem(await bus.ask(method, path + step, body, system="operator"), 403, "not-granted")
    await problem(await bus.ask("DELETE", f"{path}/secrets/{secret}", system="operator"), 403, "not-granted")
    given = {"name": name(), "url": URL, "system": "beta"}
    await problem(await bus.ask("POST", "/endpoints", given, system="operator"), 403, "not-granted")
    await problem(await bus.ask("POST", f"{path}/pause", {}, system="operator"), 400, "malformed")
    await problem(await bus.ask("DELETE", path, system="operator"), 400, "malformed")
    read = (await bus.ask("GET", path)).json
    assert read == {key: value for key, value in made.items() if key != "secret"}


async def test_what_one_side_paused_the_other_does_not_resume_and_the_owner_sees_who_it_was(bus: Workbench) -> None:
    made = await create(bus)
    path = f"/endpoints/{made['id']}"
    assert (await bus.ask("POST", f"{path}/pause", {"reason": "máy chủ bị xâm nhập"})).status == 200
    for step in ("resume", "pause"):
        got = await bus.ask("POST", f"{path}/{step}", {"reason": "thử lại"}, system="operator")
        await problem(got, 409, "step-not-allowed")
    assert (await bus.ask("POST", f"{path}/resume")).json["state"] == "active"
    assert (await bus.ask("POST", f"{path}/pause", {"reason": "làm nghẽn"}, system="operator")).status == 200
    await problem(await bus.ask("POST", f"{path}/resume"), 409, "step-not-allowed")
    shown = (await bus.ask("GET", path)).json
    decision = shown["decision"]
    assert (shown["state"], decision["by"], decision["role"]) == ("paused", "operator", "operator")
    assert decision["reason"] == "làm nghẽn"
    assert (await bus.ask("POST", f"{path}/resume", {"reason": "xong"}, system="operator")).json["state"] == "active"
    assert (await bus.ask("DELETE", f"{path}?reason=bỏ", system="operator")).status == 204
    await problem(await bus.ask("GET", path), 404, "not-found")
    [deleted] = [one for one in (await bus.ask("GET", "/deletions")).json["items"] if one["id"] == made["id"]]
    assert (deleted["kind"], deleted["decision"]["by"], deleted["decision"]["reason"]) == ("endpoint", "operator", "bỏ")
    others = (await bus.ask("GET", "/deletions", system="beta")).json["items"]
    assert made["id"] not in {one["id"] for one in others}
    again = await bus.ask("POST", "/endpoints", {"name": made["name"], "url": URL})
    assert again.status == 201
    assert made["id"] not in {one["id"] for one in (await bus.ask("GET", "/deletions")).json["items"]}


async def test_an_owner_does_not_make_again_what_an_operator_paused(bus: Workbench) -> None:
    url = "http://127.0.0.1:19/hook"
    made = await create(bus, url)
    path = f"/endpoints/{made['id']}"
    assert (await bus.ask("POST", f"{path}/pause", {"reason": "làm nghẽn"}, system="operator")).status == 200
    await problem(await bus.ask("DELETE", path), 409, "step-not-allowed")
    await problem(await bus.ask("PATCH", path, {"url": URL}), 409, "step-not-allowed")
    other = await create(bus)
    for again in (url, "http://127.0.0.1:19/other?x=1"):
        await problem(await bus.ask("POST", "/endpoints", {"name": name(), "url": again}), 409, "step-not-allowed")
        await problem(await bus.ask("PATCH", f"/endpoints/{other['id']}", {"url": again}), 409, "step-not-allowed")
    await create(bus, url, system="beta")  # it is another system's own affair
    assert (await bus.ask("PATCH", path, {"rate": 2})).status == 200, "what does no harm is its owner's"
    assert (await bus.ask("POST", f"{path}/resume", {"reason": "xong"}, system="operator")).status == 200
    assert (await bus.ask("DELETE", path)).status == 204


async def test_owner_and_operators_read_who_changed_an_endpoint(bus: Workbench) -> None:
    made = await create(bus, rate=5)
    path = f"/endpoints/{made['id']}"
    assert (await bus.ask("PATCH", path, {"url": f"{URL}/2"})).status == 200
    rotated = (await bus.ask("POST", f"{path}/secrets", {})).json
    assert (await bus.ask("DELETE", f"{path}/secrets/{made['secrets'][0]['id']}")).status == 200
    assert (await bus.ask("POST", f"{path}/pause", {"reason": "làm nghẽn"}, system="operator")).status == 200
    assert (await bus.ask("POST", f"{path}/resume", {"reason": "xong"}, system="operator")).status == 200
    assert (await bus.ask("DELETE", path)).status == 204
    for who in ("alpha", "operator"):
        read = await bus.ask("GET", f"{path}/history", system=who)
        assert [(one["step"], one["by"], one["role"]) for one in read.json["items"]] == [
            ("created", "alpha", "owner"),
            ("changed", "alpha", "owner"),
            ("secret-rotated", "alpha", "owner"),
            ("secret-removed", "alpha", "owner"),
            ("paused", "operator", "operator"),
            ("resumed", "operator", "operator"),
            ("deleted", "alpha", "owner"),
        ]
        assert made["secret"].encode() not in read.body
        assert rotated["secret"].encode() not in read.body
    changes = read.json["items"]
    assert changes[1]["details"] == {"url": f"{URL}/2"}
    assert (changes[0]["details"]["rate"], changes[4]["reason"]) == (5, "làm nghẽn")
    await problem(await bus.ask("GET", f"{path}/history", system="beta"), 404, "not-found")
    again = await bus.ask("POST", "/endpoints", {"name": made["name"], "url": URL})
    goes_on = (await bus.ask("GET", f"/endpoints/{again.json['id']}/history")).json["items"]
    assert [one["step"] for one in goes_on[-2:]] == ["deleted", "created"], "a name keeps its history"


async def test_a_list_has_pages(bus: Workbench) -> None:
    made = {(await create(bus, system="poor"))["id"] for _ in range(3)}
    path, seen = "/endpoints?limit=2", []
    for _ in range(MAX_ENDPOINTS):
        page = (await bus.ask("GET", path, system="poor")).json
        seen += [one["id"] for one in page["items"]]
        if "next" not in page:
            break
        path = f"/endpoints?limit=2&after={page['next']}"
    assert made <= set(seen)
    assert len(seen) == len(set(seen))
    await problem(await bus.ask("GET", "/endpoints?after=***", system="poor"), 400, "malformed")


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"name": "Tên", "url": URL}, 400, "malformed"),
        ({"name": "nhan", "url": 5}, 400, "malformed"),
        ({"name": "nhan"}, 422, "url-not-allowed"),
        ({"name": "nhan", "url": "https://127.0.0.2/"}, 422, "url-not-allowed"),
        ({"name": "nhan", "url": "https://169.254.169.254/latest"}, 422, "url-not-allowed"),
        ({"name": "nhan", "url": "https://10.0.0.1@example.vn/"}, 422, "url-not-allowed"),
        ({"name": "nhan", "url": "ftp://example.vn/"}, 422, "url-not-allowed"),
        ({"name": "nhan", "url": URL, "concurrency": 0}, 400, "malformed"),
        ({"name": "nhan", "url": URL, "concurrency": 2.5}, 400, "malformed"),
        ({"name": "nhan", "url": URL, "concurrency": True}, 400, "malformed"),
        ({"name": "nhan", "url": URL, "rate": 0}, 400, "malformed"),
        ({"name": "nhan", "url": URL, "rate": 1e300}, 400, "malformed"),
        ({"name": "nhan", "url": URL, "secret": "whsec_AAAA"}, 400, "malformed"),
        ([], 422, "invalid-document"),
    ],
)
async def test_what_is_no_endpoint_is_refused_in_both_languages(
    bus: Workbench, given: Any, status: int, code: str
) -> None:
    details = set()
    for language in ("vi", "en"):
        got = await bus.ask("POST", "/endpoints", given, headers={"Accept-Language": language})
        await problem(got, status, code)
        details.add(got.json["detail"])
    assert len(details) == 2


async def test_a_name_is_taken_once_whoever_writes_first(bus: Workbench) -> None:
    given = {"name": name(), "url": URL}
    made = await asyncio.gather(*(bus.ask("POST", "/endpoints", given) for _ in range(5)))
    assert sorted(got.status for got in made) == [201, 409, 409, 409, 409]
    assert {got.json["code"] for got in made if got.status == 409} == {"already-exists"}


async def test_a_system_has_a_limited_number_of_endpoints(bus: Workbench) -> None:
    system = "gamma"
    for _ in range(MAX_ENDPOINTS - len((await bus.ask("GET", "/endpoints", system=system)).json["items"])):
        await create(bus, system=system)
    more = await bus.ask("POST", "/endpoints", {"name": name(), "url": URL}, system=system)
    await problem(more, 409, "step-not-allowed")


async def test_a_secret_is_shown_once_and_rotated_with_an_overlap(bus: Workbench) -> None:
    made = await create(bus)
    path = f"/endpoints/{made['id']}"
    [first] = made["secrets"]
    assert "expiresAt" not in first
    rotated = (await bus.ask("POST", f"{path}/secrets", {"overlapHours": 2})).json
    assert rotated["secret"] != made["secret"]
    assert [one["id"] for one in rotated["secrets"]][1:] == [first["id"]]
    assert rotated["secrets"][1]["expiresAt"] > first["createdAt"]
    await problem(await bus.ask("DELETE", f"{path}/secrets/{rotated['secrets'][0]['id']}"), 400, "malformed")
    await problem(await bus.ask("DELETE", f"{path}/secrets/none"), 404, "not-found")
    left = (await bus.ask("DELETE", f"{path}/secrets/{first['id']}")).json
    assert [one["id"] for one in left["secrets"]] == [rotated["secrets"][0]["id"]]
    for text in [(await bus.ask("GET", path)).body, (await bus.ask("GET", "/endpoints?limit=1000")).body]:
        assert b"whsec_" not in text
    at_once = (await bus.ask("POST", f"{path}/secrets", {"overlapHours": 0})).json
    assert len(at_once["secrets"]) == 1
    await problem(await bus.ask("POST", f"{path}/secrets", {"overlapHours": 1e9}), 400, "malformed")
    for _ in range(MAX_SECRETS - 1):
        assert (await bus.ask("POST", f"{path}/secrets")).status == 201
    await problem(await bus.ask("POST", f"{path}/secrets"), 409, "step-not-allowed")


async def test_a_name_is_free_again_once_the_server_has_forgotten_the_deleted_endpoint(bus: Workbench) -> None:
    """What stands in the place of a deleted one ends by itself after 30 days; here somebody removes it."""
    made = await create(bus)
    assert (await bus.ask("DELETE", f"/endpoints/{made['id']}")).status == 204
    connection: Client = await connect(NatsEndpoint(bus.nats_url, "owner-of-the-disk", OWNER), "test")
    subject = f"$KV.LGSP_ENDPOINTS.alpha.{made['name']}"
    assert await connection.jetstream().purge_stream("KV_LGSP_ENDPOINTS", subject=subject)
    await connection.close()
    again = await bus.ask("POST", "/endpoints", {"name": made["name"], "url": URL})
    assert again.status == 201, again.body


async def test_what_is_stored_of_an_endpoint_gives_no_secret_away(bus: Workbench) -> None:
    made = await create(bus)
    connection: Client = await connect(NatsEndpoint(bus.nats_url, "owner-of-the-disk", OWNER), "test")
    subject = f"$KV.LGSP_ENDPOINTS.alpha.{made['name']}"
    stored = await connection.jetstream().get_last_msg("KV_LGSP_ENDPOINTS", subject)
    await connection.close()
    assert stored.data
    assert made["id"].encode() in stored.data
    assert made["secret"].removeprefix("whsec_").encode() not in stored.data
    key = bus.state.keys / "webhook-secrets.key"
    assert key.stat().st_mode & 0o777 == 0o600


async def test_a_test_event_is_signed_and_its_attempt_is_listed(bus: Workbench) -> None:
    received: list[tuple[dict[str, str], bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        received.append((dict(request.headers), await request.read()))
        return web.Response(status=200 if len(received) == 1 else 500)

    async with served(answer) as url:
        made = await create(bus, f"{url}/hook")
        path = f"/endpoints/{made['id']}"
        assert (await bus.ask("POST", f"{path}/pause", {"reason": "bảo trì"})).json["decision"]["reason"] == "bảo trì"
        sent = (await bus.ask("POST", f"{path}/test")).json
        failed = (await bus.ask("POST", f"{path}/test")).json
    assert (sent["outcome"], sent["status"]) == ("delivered", 200)
    assert (failed["outcome"], failed["status"]) == ("server-error", 500)
    assert "log" in failed["detail"]
    [(headers, body), _] = received
    event = Webhook(made["secret"]).verify(body, headers)
    assert (event["type"], event["id"], event["specversion"]) == ("lgsp.webhook.test", sent["message"], "1.0")
    assert headers["webhook-id"] == sent["message"]
    attempts = (await bus.ask("GET", f"{path}/attempts")).json["items"]
    assert [one["outcome"] for one in attempts] == ["server-error", "delivered"]
    assert {one["gateway"] for one in attempts} == {"bench"}
    async with bus.session.get("/metrics") as metrics:
        counted = await metrics.text()
    assert 'lgsp_webhook_attempts_total{outcome="server-error",system="alpha"} 1.0' in counted
    resumed = (await bus.ask("POST", f"{path}/resume")).json
    assert resumed["state"] == "active"
    assert "reason" not in resumed["decision"]


async def test_tests_of_an_endpoint_are_limited(bus: Workbench) -> None:
    made = await create(bus)
    for _ in range(MAX_PER_MINUTE):
        assert (await bus.ask("POST", f"/endpoints/{made['id']}/test")).json["outcome"] == "unreachable"
    more = await bus.ask("POST", f"/endpoints/{made['id']}/test")
    await problem(more, 429, "quota-exceeded")
    assert int(more.headers["Retry-After"]) <= 60


async def test_each_gateway_knows_every_endpoint_and_its_attempts(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    port = free_port()
    second = bus.another_gateway("second", port)
    await second.start()

    async def there(path: str) -> Got:
        return await bus.ask("GET", f"http://127.0.0.1:{port}{path}")

    made = await create(bus)
    path = f"/endpoints/{made['id']}"

    async def is_there() -> bool:
        return (await there(path)).status == 200

    await eventually(is_there)
    await bus.ask("POST", f"{path}/test")

    async def attempts_are_there() -> bool:
        return len((await there(f"{path}/attempts")).json["items"]) == 1

    await eventually(attempts_are_there)
    await bus.gateway.stop()
    await bus.nats.stop()
    await bus.start_nats()

    async def still_there() -> bool:
        got = await there(path)
        return got.status == 200 and json.loads(got.body)["id"] == made["id"]

    await eventually(still_there)
    await second.stop()
    await bus.gateway.start()
    assert (await bus.ask("GET", path)).json["name"] == made["name"]
