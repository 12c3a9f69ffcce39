"""People are told by mail and webhook of what they chose, once by all gateways together, and again where it was not accepted."""

import datetime
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest_asyncio
from aiohttp import web
from standardwebhooks import Webhook
from support.approvers import Approvers, day
from support.mail_server import MailServer
from support.processes import free_port
from support.waits import eventually
from support.workbench import Got, grant

from lgsp_gateway.citizens.requests import CitizenRequest
from lgsp_gateway.citizens.sealed_requests import ASKED, SealedRequests
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.sessions.store import PEOPLE, PeopleStore
from lgsp_runtime.nats.connection import connect


@dataclass
class Office:
    approvers: Approvers
    mail: MailServer

    async def choose(self, token: str, **choices: Any) -> Got:
        return await self.approvers.ask("PUT", "/me/notifications", token, choices)

    async def told(self, address: str, text: str) -> Any:
        """Wait for a mail that says something."""
        found: list[Any] = []

        async def arrived() -> bool:
            found[:] = [mail for mail in self.mail.to(address) if text in mail.get_content()]
            return bool(found)

        await eventually(arrived, seen=lambda: [mail.get_content() for mail in self.mail.to(address)])
        return found


@pytest_asyncio.fixture(scope="module")
async def office(tmp_path_factory: Any) -> AsyncIterator[Office]:
    mail = await MailServer().start()
    options = ("--smtp", mail.url, "--mail-sender", "lgsp@quangninh.example", "--notification-minutes", "0")
    approvers = await Approvers.start(tmp_path_factory.mktemp("notified"), *options)
    bus = approvers.people.bus
    second = bus.another_gateway("second", free_port())
    second.command += [*bus.gateway.command[-8:-6], *options]  # with the same issuers of people
    await second.start()
    yield Office(approvers, mail)
    await second.stop()
    await approvers.stop()
    await mail.stop()


async def test_who_may_decide_is_told_once_in_their_language_with_a_link(office: Office) -> None:
    approvers, bus = office.approvers, office.approvers.people.bus
    admin, operator = approvers.admin[1], approvers.first[1]
    assert (await office.choose(admin, kinds=["requests"], language="vi", email="qt@so.example")).status == 200
    assert (await office.choose(operator, kinds=["requests"], language="en", email="op@so.example")).status == 200
    await approvers.requested("first-wait")
    (vietnamese,) = await office.told("qt@so.example", "first-wait")
    (english,) = await office.told("op@so.example", "first-wait")
    assert "chờ bạn quyết định" in vietnamese["Subject"]
    assert f"http://127.0.0.1:{bus.port}/console/access/grants/first-wait" in vietnamese.get_content()
    assert "waits for your decision" in english.get_content()
    assert english["From"] == "lgsp@quangninh.example"

    await approvers.requested("second-wait")
    (later,) = await office.told("qt@so.example", "second-wait")
    assert "first-wait" not in later.get_content()  # it was told already, whichever gateway told it
    approved = await approvers.ask("POST", "/registry/grants/second-wait/approve", admin, {})
    assert approved.status == 200
    await approvers.requested("third-wait")
    (third,) = await office.told("qt@so.example", "third-wait")
    assert "second-wait" not in third.get_content()
    assert (await approvers.ask("DELETE", "/me/notifications", admin)).status == 204
    assert (await approvers.ask("DELETE", "/me/notifications", operator)).status == 204


async def test_many_things_are_one_mail(office: Office) -> None:
    approvers = office.approvers
    for number in range(3):
        await approvers.requested(f"many-{number}")
    await office.choose(approvers.second[1], kinds=["requests", "health"], language="en", email="digest@so.example")
    (mail,) = await office.told("digest@so.example", "many-2")
    assert all(f"many-{number}" in mail.get_content() for number in range(3))
    assert "things need your attention" in mail["Subject"]
    await approvers.ask("DELETE", "/me/notifications", approvers.second[1])


async def test_what_was_not_accepted_is_sent_again_under_the_same_id(office: Office) -> None:
    approvers = office.approvers
    office.mail.refusals = 1
    await approvers.requested("again")
    await office.choose(approvers.admin[1], kinds=["requests"], language="en", email="again@so.example")
    (mail,) = await office.told("again@so.example", "again")
    (refused,) = [one for one in office.mail.refused if one["To"] == "again@so.example"]
    assert mail["Message-ID"] == refused["Message-ID"]
    await approvers.ask("DELETE", "/me/notifications", approvers.admin[1])


async def test_what_ends_soon_and_was_not_renewed_is_told(office: Office) -> None:
    approvers = office.approvers
    bus = approvers.people.bus
    for name in ("ends-soon", "is-renewed"):
        sent = grant(name, "gamma", read=["*"])
        sent["spec"]["validUntil"] = day(20)
        assert (await bus.registry("POST", "grants", sent, system="agency-admin")).status == 201
    assert (await bus.registry("POST", "grants/is-renewed/renew", {}, system="agency-admin")).status == 201
    await office.choose(approvers.admin[1], kinds=["expiring"], language="en", email="ends@so.example")
    (mail,) = await office.told("ends@so.example", "ends-soon")
    assert "is-renewed " not in mail.get_content()
    await approvers.ask("DELETE", "/me/notifications", approvers.admin[1])


async def test_an_agency_is_told_of_requests_of_citizens_and_that_their_deadlines_near(office: Office) -> None:
    approvers, bus = office.approvers, office.approvers.people.bus
    now, number = time.time(), secrets.randbelow(10**6)
    connection = await connect(bus.endpoint("gateway"), "test")
    try:
        people = PeopleStore(lambda: bus.endpoint("people"))
        await people.start(connection, 1)
        stored = SealedRequests(people, PayloadCipher(KeyStore(bus.state.keys).storage_keys), str, 6)
        for name, agency, days in (
            ("new", "H49.1", 9),
            ("near", "H49.1", 1),
            ("late", "H49.1", -3),
            ("other", "H49.2", 9),
        ):
            due = datetime.date.fromisoformat(day(days))
            request = CitizenRequest(
                f"20261128-{name}{number}", agency, "pseudonym", "ask", "Vì sao?", {"message": "m"}, now, due
            )
            assert await stored.create(request, ASKED, request.document())
        silent = CitizenRequest(
            f"20261120-quiet{number}",
            "H49.1",
            "pseudonym",
            "ask",
            "?",
            {},
            now - 8 * 86400,
            datetime.date.fromisoformat(day(9)),
        )
        assert await stored.create(silent, ASKED, silent.document())
    finally:
        await connection.close()
    await office.choose(approvers.admin[1], kinds=["citizen-requests"], language="vi", email="cd@so.example")
    await office.choose(approvers.first[1], kinds=["citizen-requests"], language="vi", email="vh@so.example")
    (mail,) = await office.told("cd@so.example", f"late{number}")
    text = mail.get_content()
    for name, said in (("new", "yêu cầu mới"), ("near", "sắp đến hạn"), ("late", "quá hạn trả lời")):
        [line] = [line for line in text.splitlines() if f"{name}{number} " in line]
        assert said in line
        assert f"http://127.0.0.1:{bus.port}/console/requests/20261128-{name}{number}" in text
    told = [line for line in text.splitlines() if f"quiet{number} " in line]
    assert any("phản hồi lần đầu chậm nhất" in line for line in told)
    assert "other" not in text
    assert "Vì sao" not in text
    await approvers.ask("DELETE", "/me/notifications", approvers.admin[1])
    await approvers.ask("DELETE", "/me/notifications", approvers.first[1])
    assert office.mail.to("vh@so.example") == []  # an operator does not answer for an agency


async def test_a_webhook_is_signed_with_a_secret_that_is_shown_once(office: Office) -> None:
    approvers, received = office.approvers, []

    async def receive(request: web.Request) -> web.Response:
        received.append((dict(request.headers), await request.text()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    url = f"http://127.0.0.1:{port}/hook"
    chosen = await office.choose(approvers.admin[1], kinds=["requests"], language="vi", webhook=url)
    secret = chosen.json["secret"]
    again = await office.choose(approvers.admin[1], kinds=["requests"], language="en", webhook=url)
    assert "secret" not in again.json
    assert "secret" not in (await approvers.get("/me/notifications", approvers.admin[1])).json
    await approvers.requested("hooked")
    await eventually(lambda: any("hooked" in body for _, body in received))
    headers, body = next(one for one in received if "hooked" in one[1])
    event = Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
    assert event["type"] == "vn.lgsp.notification.v1"
    assert event["id"] == headers["webhook-id"]
    tested = await approvers.ask("POST", "/me/notifications/test", approvers.admin[1], {})
    assert tested.json == {"faults": {"webhook": ""}}
    more = [await approvers.ask("POST", "/me/notifications/test", approvers.admin[1], {}) for _ in range(20)]
    assert more[-1].code == "quota-exceeded"
    await approvers.ask("DELETE", "/me/notifications", approvers.admin[1])
    await runner.cleanup()


async def test_a_mail_server_that_fails_shows_in_the_checks_and_the_metrics(office: Office) -> None:
    approvers, bus = office.approvers, office.approvers.people.bus
    token = approvers.second[1]  # who has sent no tests yet

    async def failing() -> dict[str, str]:
        async with bus.session.get("/ops/checks", headers={"Authorization": f"Bearer {bus.token('operator')}"}) as got:
            items = (await got.json())["items"]
        assert "mail" in [one["check"] for one in items]
        return {one["check"]: one["detail"]["vi"] for one in items if not one["ok"]}

    async def refused() -> float:
        async with bus.session.get("/metrics") as got:
            lines = (await got.text()).splitlines()
        name = 'lgsp_notifications_total{channel="email",outcome="refused"}'
        return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    await office.choose(token, kinds=[], language="vi", email="mail@so.example")
    before = await refused()
    office.mail.refusals = 1
    tested = await approvers.ask("POST", "/me/notifications/test", token, {})
    assert tested.json["faults"]["email"]
    assert await refused() >= before + 1

    async def is_shown() -> bool:
        return "không nhận thư" in (await failing()).get("mail", "")

    await eventually(is_shown)
    tested = await approvers.ask("POST", "/me/notifications/test", token, {})
    assert tested.json == {"faults": {"email": ""}}

    async def is_over() -> bool:
        return "mail" not in await failing()

    await eventually(is_over)
    await approvers.ask("DELETE", "/me/notifications", token)


async def test_choices_are_checked_and_forgotten(office: Office) -> None:
    approvers = office.approvers
    token = approvers.admin[1]
    bad = await office.choose(token, email="no address\r\nBcc: x@y.example")
    assert (bad.code, bad.json["errors"][0]["pointer"]) == ("invalid-document", "/email")
    for address in (
        "\n",
        "a@y.example\n",
        "a,b@y.example",
        "a;b@y.example",
        "=?us-ascii?q?b=40z.example=2C?=@y.example",
        "a@.",
    ):
        assert (await office.choose(token, email=address)).code == "invalid-document", address
    assert (await office.choose(token, kinds=["gossip"])).json["errors"][0]["pointer"] == "/kinds"
    assert (await office.choose(token, webhook="http://10.9.8.7/hook")).status == 422
    assert (await approvers.get("/me/notifications", approvers.people.bus.token("operator"))).code == "not-granted"
    leaving = await approvers.approved("leaving", "agency-admin", by=approvers.first[1], approver=approvers.second[1])
    await office.choose(leaving[1], kinds=["requests"], language="en", email="leaving@so.example")
    assert (await approvers.people.act(leaving[0], "end", by=approvers.first[1])).status == 200
    await approvers.requested("after-the-end")
    await office.choose(token, kinds=["requests"], language="en", email="stays@so.example")
    await office.told("stays@so.example", "after-the-end")
    assert not office.mail.to("leaving@so.example")
    await approvers.ask("DELETE", "/me/notifications", token)


async def test_one_person_whose_choices_are_broken_keeps_nobody_else_from_being_told(office: Office) -> None:
    approvers = office.approvers
    bus = approvers.people.bus
    connection = await connect(bus.endpoint("gateway"), "test")
    broken = {"kinds": ["requests"], "language": "en", "email": "a@b.example\r\nBcc: c@d.example"}
    stored = await connection.jetstream().key_value(PEOPLE)
    await stored.put(f"notify.{approvers.first[0]}", orjson.dumps(broken))
    await approvers.requested("told-all-the-same")
    await office.choose(approvers.second[1], kinds=["requests"], language="en", email="whole@so.example")
    await office.told("whole@so.example", "told-all-the-same")
    for token in (approvers.first[1], approvers.second[1]):
        assert (await approvers.ask("DELETE", "/me/notifications", token)).status == 204
    await connection.close()


async def test_a_suspension_is_told_with_a_link_to_the_service(office: Office) -> None:
    approvers = office.approvers
    bus = approvers.people.bus
    assert (await bus.registry("POST", "services/desk-v1/suspend", {"reason": "bảo trì"})).status == 200
    await office.choose(approvers.admin[1], kinds=["suspensions"], language="en", email="pause@so.example")
    (mail,) = await office.told("pause@so.example", "Service desk v1 is suspended")
    assert f"http://127.0.0.1:{bus.port}/console/catalogue/desk/v1" in mail.get_content()
    assert (await bus.registry("POST", "services/desk-v1/resume", {"reason": "xong"})).status == 200
    await approvers.ask("DELETE", "/me/notifications", approvers.admin[1])
