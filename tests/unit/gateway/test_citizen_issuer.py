"""The stand-in issuer of citizens asks for no password, so it serves a bus on its own machine alone."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import pytest_asyncio

from lgsp_gateway.local.citizen_issuer import CLIENT, CitizenIssuer, DemoCitizen
from lgsp_problems import CannotStart

BUS = "http://127.0.0.1:8080"
AN = DemoCitizen("022093001234", "Nguyễn Văn An")
ASKED = {
    "response_type": "code",
    "client_id": CLIENT,
    "redirect_uri": f"{BUS}/my-data/callback",
    "state": "s",
    "nonce": "n",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",  # RFC 7636, appendix B
    "code_challenge_method": "S256",
}
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[aiohttp.ClientSession]:
    started = CitizenIssuer([AN], BUS)
    await started.start()
    assert urlsplit(started.url).hostname == "127.0.0.1"
    async with aiohttp.ClientSession(started.url) as session:
        yield session
    await started.stop()


async def code_of(issuer: aiohttp.ClientSession) -> str:
    async with issuer.get("/authorize", params=ASKED) as answer:
        page = await answer.text()
    assert "không hỏi mật khẩu" in page
    link = page.split('<a href="')[1].split('"')[0].replace("&amp;", "&")
    async with issuer.get(link, allow_redirects=False) as answer:
        location = answer.headers["Location"]
    assert location.startswith(f"{BUS}/my-data/callback?")
    return parse_qs(urlsplit(location).query)["code"][0]


@pytest.mark.parametrize("bus", ["https://lgsp.quangninh.gov.vn", "http://10.0.0.1:8080", "http://127.0.0.1.example"])
def test_it_refuses_a_bus_that_others_reach(bus: str) -> None:
    with pytest.raises(CannotStart, match="on this machine alone"):
        CitizenIssuer([AN], bus)


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "https://elsewhere.example/my-data/callback"},
        {"redirect_uri": f"{BUS}.example/my-data/callback"},
        {"redirect_uri": "/my-data/callback"},
        {"client_id": "other"},
        {"code_challenge_method": "plain"},
    ],
    ids=str,
)
async def test_it_sends_nobody_elsewhere(issuer: aiohttp.ClientSession, changed: dict[str, str]) -> None:
    async with issuer.get("/authorize", params={**ASKED, **changed}, allow_redirects=False) as answer:
        assert (answer.status, "Location" in answer.headers) == (400, False)


async def test_a_code_counts_once_and_for_whoever_began(issuer: aiohttp.ClientSession) -> None:
    form = {"grant_type": "authorization_code", "redirect_uri": ASKED["redirect_uri"], "code_verifier": VERIFIER}
    stolen = {**form, "code": await code_of(issuer), "code_verifier": "x" * 43}
    code = await code_of(issuer)
    for sent, status in ((stolen, 400), ({**form, "code": code}, 200), ({**form, "code": code}, 400)):
        async with issuer.post("/token", data=sent) as answer:
            assert (answer.status, "id_token" in await answer.json()) == (status, status == 200)
