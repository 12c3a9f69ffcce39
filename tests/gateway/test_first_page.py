"""Somebody who knows only the address of the bus finds the rest; a refusal leads to what explains it."""

import json

import aiohttp
import pytest
from support.workbench import NUMBER, Workbench

from lgsp_adapters.adapter import Declared
from lgsp_gateway.http.accepted_media import prefers_html
from lgsp_problems import CODES

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def read(session: aiohttp.ClientSession, path: str, **headers: str) -> tuple[int, str, str]:
    async with session.get(path, headers=headers) as answer:
        return answer.status, answer.content_type, await answer.text()


async def test_the_address_of_the_bus_leads_on(bus: Workbench) -> None:
    status, media, text = await read(bus.session, "/")
    assert (status, media) == (200, "application/json")
    links = json.loads(text)["links"]
    assert {"catalogue", "problems", "token", "health", "description"} <= links.keys()
    for name, link in links.items():
        status, _, _ = await read(bus.session, link, Authorization=f"Bearer {bus.token('alpha')}")
        assert status == (405 if name == "token" else 200), link
    for language, word in (("vi", "Trục"), ("en", "Data bus")):
        status, media, page = await read(bus.session, f"/?lang={language}", **BROWSER)
        assert (status, media) == (200, "text/html")
        assert word in page
        assert 'href="/catalog"' in page
        assert "hidden" not in page + text


async def test_a_refusal_leads_to_its_explanation(bus: Workbench) -> None:
    refused = await bus.call(system="gamma")
    assert refused.json["type"] == "urn:lgsp:problem:not-granted"
    assert refused.json["help"] == "/problems/not-granted"
    status, media, text = await read(bus.session, refused.json["help"], **{"Accept-Language": "en"})
    assert (status, media) == (200, "application/json")
    assert json.loads(text)["type"] == refused.json["type"]
    assert json.loads(text)["action"] == "request a grant from the provider"
    _, media, page = await read(bus.session, refused.json["help"], **BROWSER)
    assert media == "text/html"
    assert "gửi đề nghị cấp quyền" in page
    async with bus.session.get("/registry/grants/x") as answer:
        assert (await answer.json())["help"] == "/problems/token-invalid"


async def test_an_error_of_a_contract_leads_to_the_page_of_its_service(bus: Workbench) -> None:
    async def nobody(_request: object, _call: object) -> dict[str, object]:
        raise Declared("person-not-found")

    served = await bus.serve(read=nobody)
    got = await bus.call(body={"soDinhDanh": NUMBER})
    await bus.unserve(served)
    assert (got.status, got.code) == (404, "person-not-found")
    assert got.json["help"] == "/catalog/services/desk/v1#read-errors"
    _, _, page = await read(bus.session, got.json["help"].partition("#")[0], **BROWSER)
    assert 'id="read-errors"' in page


async def test_every_code_has_a_page(bus: Workbench) -> None:
    _, _, text = await read(bus.session, "/problems")
    assert {item["code"]: item["status"] for item in json.loads(text)["items"]} == {
        code: kind.status for code, kind in CODES.items()
    }
    for code in CODES:
        for language in ("vi", "en"):
            status, _, page = await read(bus.session, f"/problems/{code}?lang={language}", **BROWSER)
            assert status == 200
            assert CODES[code].title.in_language("vi" if language == "vi" else "en") in page.replace("&#39;", "'")
    assert (await read(bus.session, "/problems/no-such-code"))[0] == 404
    assert (await read(bus.session, "/problems/urn:lgsp:problem:no-such-code"))[0] == 404


async def test_the_type_of_a_problem_leads_to_its_page(bus: Workbench) -> None:
    path = "/problems/urn:lgsp:problem:not-granted?lang=en"
    async with bus.session.get(path, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (308, "/problems/not-granted?lang=en")


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (None, False),
        ("*/*", False),
        (BROWSER["Accept"], True),
        ("application/json, text/html;q=0.5", False),
        ("text/html;q=x", False),
        ("application/json;q=0.1, TEXT/HTML ; q=0.2", True),
    ],
)
def test_a_browser_is_told_from_a_program(accept: str | None, html: bool) -> None:
    assert prefers_html(accept) is html
