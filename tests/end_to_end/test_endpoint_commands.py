"""`lgsp endpoints …`, as the developer of a receiver uses it."""

import json
import secrets

from aiohttp import web
from standardwebhooks import Webhook
from support.preloaded import run
from support.upstreams import served
from support.workbench import Workbench


async def endpoints(
    bus: Workbench, *arguments: str, system: str = "alpha", language: str = "C"
) -> tuple[int, str, str]:
    where = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token(system)]
    return await run("endpoints", *arguments, *where, environment={"LC_ALL": language})


def shown_secrets(out: str) -> list[str]:
    return [line.split()[1].rstrip(",") for line in out.splitlines() if line.startswith("secret")]


async def test_an_endpoint_by_command_from_its_creation_to_its_end(bus: Workbench) -> None:
    async def lgsp(*arguments: str, system: str = "alpha") -> tuple[int, str, str]:
        return await endpoints(bus, *arguments, system=system)

    received: list[tuple[dict[str, str], bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        received.append((dict(request.headers), await request.read()))
        return web.Response(status=200 if len(received) < 3 else 401)

    name = f"nhan-{secrets.token_hex(4)}"
    async with served(answer) as url:
        code, out, err = await lgsp("create", name, f"{url}/hook", "--rate", "5")
        assert (code, "shown this once" in err) == (0, True)
        first = out.rsplit(maxsplit=1)[-1]
        assert "rate         5/s" in out
        assert (await lgsp("test", name))[0] == 0
        code, out, _ = await lgsp("rotate-secret", name, "--overlap", "1h")
        second = out.rsplit(maxsplit=1)[-1]
        assert (await lgsp("test", name))[0] == 0
        code, _, err = await lgsp("test", name)
    assert code == 1
    assert err.startswith("lgsp: client-error 401: The endpoint rejected the request")
    Webhook(first).verify(received[0][1], received[0][0])
    for secret in (first, second):
        Webhook(secret).verify(received[1][1], received[1][0])

    former = shown_secrets((await lgsp("show", name))[1])[-1]
    assert (await lgsp("remove-secret", name, former))[1] == f"removed the secret {former}\n"
    assert former not in (await lgsp("show", name))[1]
    assert (await lgsp("rotate-secret", name, "--overlap", "1h"))[0] == 0
    assert "server moves" in (await lgsp("pause", name, "-m", "server moves"))[1]
    code, out, _ = await lgsp("show", name)
    assert [line.split()[0] for line in out.splitlines() if line.startswith("secret")] == ["secret", "secret"]
    assert "whsec_" not in out
    assert [word in out for word in ("client-error", "delivered", "until ")] == [True, True, True]
    shown = json.loads((await lgsp("show", name, "-o", "json"))[1])
    assert (shown["state"], len(shown["attempts"])) == ("paused", 3)
    assert {one["event"]["id"] == one["message"] for one in shown["attempts"]} == {True}
    assert [word in out for word in ("EVENT ID", "lgsp.webhook.test", f"/endpoints/{shown['id']}")] == [True] * 3
    assert "resumed: its owner" in (await lgsp("resume", name))[1]
    assert "50/s" in (await lgsp("change", name, "--rate", "50"))[1]
    listed = json.loads((await lgsp("list", "-o", "json"))[1])
    assert shown["id"] in {one["id"] for one in listed}
    assert name in (await lgsp("list", "--system", "alpha", system="operator"))[1]
    code, _, err = await lgsp("show", shown["id"], system="beta")
    assert (code, "no such webhook endpoint" in err) == (1, True)
    code, _, err = await lgsp("create", "inner", "https://10.0.0.1/")
    assert (code, "webhook-networks" in err) == (1, True)
    code, _, err = await lgsp("delete", shown["id"], system="operator")
    assert (code, "must give a reason" in err) == (1, True)
    code, out, _ = await lgsp("delete", shown["id"], "-m", "not used", system="operator")
    assert out.strip() == f"deleted alpha/{name}"
    assert "not used, an operator operator" in (await lgsp("list", "--deleted"))[1]
    assert (await lgsp("show", name))[0] == 1


async def test_an_endpoint_is_shown_in_the_language_of_the_terminal(bus: Workbench) -> None:
    name = f"nhan-{secrets.token_hex(4)}"
    assert (await endpoints(bus, "create", name, "http://127.0.0.1:9/hook"))[0] == 0
    assert "unreachable" in (await endpoints(bus, "test", name))[2]
    shown = (await endpoints(bus, "show", name, language="vi_VN.UTF-8"))[1]
    assert [word in shown for word in ("trạng thái ", "khóa ký ", "MÃ SỰ KIỆN")] == [True] * 3
    assert "TRẠNG THÁI" in (await endpoints(bus, "list", language="vi_VN.UTF-8"))[1]
    assert (await endpoints(bus, "delete", name))[0] == 0


async def test_an_operator_who_gives_a_name_reads_how_to_find_the_id(bus: Workbench) -> None:
    code, _, err = await endpoints(bus, "show", "nhan-su-kien", system="operator")
    assert code == 1
    assert "An operator names the id" in err
    assert "lgsp endpoints list --system SYSTEM" in err
