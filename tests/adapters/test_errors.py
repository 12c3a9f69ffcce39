"""What systems say when they say no: SOAP faults and HTTP errors as the rules of a manifest see them, and as an integrator does."""

from typing import Any

import pytest
from aiohttp import web
from support.upstreams import ask, opened, served

from lgsp_adapters.adapter import Declared, UpstreamFailed
from lgsp_adapters.connectors.soap.envelopes import VERSIONS


class Office:
    """A system that says no as the test wants it."""

    def __init__(self, status: int, body: str, content_type: str = "text/xml") -> None:
        self.said = (status, body, content_type)

    async def answer(self, _request: web.Request) -> web.Response:
        status, body, content_type = self.said
        return web.Response(status=status, text=body, content_type=content_type)


def soap(errors: list[dict[str, str]], version: str = "1.1", **told: Any) -> dict[str, Any]:
    operation = {"element": "A", "fields": {}, "answer": {"ketQua": "answer.a"}, "errors": errors, **told}
    return {"soap": {"namespace": "urn:x", "version": version}, "operations": {"read": operation}}


def http(errors: list[dict[str, str]], **told: Any) -> dict[str, Any]:
    return {
        "operations": {
            "read": {"path": "/so/{request.soDinhDanh}", "answer": {"ketQua": "answer.a"}, "errors": errors, **told}
        }
    }


def fault(inner: str, version: str = "1.1") -> str:
    space = VERSIONS[version].namespace
    return f"<s:Envelope xmlns:s='{space}' xmlns:f='urn:f'><s:Body><s:Fault>{inner}</s:Fault></s:Body></s:Envelope>"


DETAIL = "<detail><f:Err id='3'><f:Code>DEBT_OPEN</f:Code></f:Err></detail>"
V11 = f"<faultcode>s:Server</faultcode><faultstring>Còn nợ 022093001234</faultstring>{DETAIL}"
V12 = (
    "<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>f:DebtOpen</s:Value></s:Subcode></s:Code>"
    "<s:Reason><s:Text xml:lang='vi'>Còn nợ</s:Text><s:Text xml:lang='en'>Debt</s:Text></s:Reason>"
    "<s:Detail><f:Err id='3'><f:Code>DEBT_OPEN</f:Code></f:Err></s:Detail>"
)
QUALIFIED = (
    f"<s:faultcode>s:Server</s:faultcode><s:faultstring>Còn nợ</s:faultstring>{DETAIL.replace('detail', 's:detail')}"
)


@pytest.mark.parametrize(
    ("version", "inner", "when"),
    [
        ("1.1", V11, "detail.Err.Code == 'DEBT_OPEN'"),
        ("1.1", V11, "detail.Err.\"@id\" == '3'"),
        ("1.1", V11, "starts_with(faultstring, 'Còn nợ') && faultcode == 'Server'"),
        ("1.1", V11, "fault == 'Server' && status == `500`"),
        ("1.1", QUALIFIED, "faultcode == 'Server' && faultstring == 'Còn nợ' && detail.Err.Code == 'DEBT_OPEN'"),
        ("1.2", V12, "detail.Err.Code == 'DEBT_OPEN'"),
        ("1.2", V12, "faultcode == 'Sender' && subcode == 'DebtOpen' && faultstring == 'Còn nợ'"),
    ],
)
@pytest.mark.parametrize("status", [500, 400, 200])
async def test_a_business_error_in_a_fault_is_declared(version: str, inner: str, when: str, status: int) -> None:
    office = Office(status, fault(inner, version))
    told = soap([{"when": when.replace("`500`", f"`{status}`"), "is": "person-not-found"}], version)
    async with served(office.answer) as url, opened("soap", url, **told) as adapter:
        with pytest.raises(Declared, match="person-not-found"):
            await ask(adapter)


@pytest.mark.parametrize(
    ("inner", "why", "note", "said"),
    [
        (V11, "broken", "SOAP fault Server", "Còn nợ 022093001234"),
        (QUALIFIED, "broken", "SOAP fault Server", "Còn nợ"),
        (
            "<faultcode>s:Client.Auth</faultcode>",
            "refused",
            "SOAP fault Client.Auth, without a faultstring",
            "(it gives no faultstring)",
        ),
        (
            "<faultcode>w:FailedAuthentication</faultcode><faultstring>x</faultstring>",
            "refused",
            "SOAP fault FailedAuthentication",
            "x",
        ),
        ("", "broken", "SOAP fault without a code, without a faultstring", "SOAP fault -"),
    ],
)
async def test_a_fault_that_no_rule_names(inner: str, why: str, note: str, said: str) -> None:
    office = Office(500, fault(inner))
    async with served(office.answer) as url, opened("soap", url, **soap([])) as adapter:
        with pytest.raises(UpstreamFailed) as failed:
            await ask(adapter)
    assert failed.value.why == why
    assert failed.value.private == f"POST {url.removeprefix('http://')}: {note}"
    assert said in failed.value.upstream_message
    assert "022093001234" not in failed.value.private


@pytest.mark.parametrize(
    ("status", "body", "content_type", "when"),
    [
        (409, '{"error": {"code": "DEBT_OPEN"}}', "application/json", "answer.error.code == 'DEBT_OPEN'"),
        (500, '{"code": "DEBT_OPEN"}', "application/problem+json", "answer.code == 'DEBT_OPEN'"),
        (404, "<Loi><Ma>DEBT_OPEN</Ma></Loi>", "application/xml", "answer.Ma == 'DEBT_OPEN'"),
        (422, "", "text/plain", "status == `422`"),
    ],
)
async def test_a_business_error_with_a_status_of_its_own_is_declared(
    status: int, body: str, content_type: str, when: str
) -> None:
    office = Office(status, body, content_type)
    told = http([{"when": when, "is": "person-not-found"}])
    async with served(office.answer) as url, opened("http", url, **told) as adapter:
        with pytest.raises(Declared, match="person-not-found"):
            await ask(adapter)


@pytest.mark.parametrize("kind", ["http", "soap"])
@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (500, "<html>Lỗi</html>", "text/html"),
        (503, "", "text/plain"),
        (500, '{"loi": "quá tải"}', "application/json"),
        (500, fault(V11), "text/xml"),
        (200, fault(V11), "text/xml"),
    ],
)
async def test_a_system_that_is_down_is_no_person_who_is_not_on_record(
    kind: str, status: int, body: str, content_type: str
) -> None:
    """A rule of what is missing (`import wsdl` drafts one) would hold for every answer that is none."""
    if kind == "http" and status == 200:
        return
    office = Office(status, body, content_type)
    rules = [{"when": "!(answer.KetQua)", "is": "person-not-found"}]
    told = soap(rules) if kind == "soap" else http(rules)
    async with served(office.answer) as url, opened(kind, url, **told) as adapter:
        with pytest.raises(UpstreamFailed) as failed:
            await ask(adapter)
    assert failed.value.why == "broken"


async def test_who_refused_and_with_which_status_is_said_without_a_value() -> None:
    office = Office(401, "Bạn không có quyền xem 022093001234", "text/plain")
    async with served(office.answer) as url:
        host = url.removeprefix("http://")
        async with opened("http", url, **http([])) as adapter:
            with pytest.raises(UpstreamFailed) as failed:
                await ask(adapter)
            assert failed.value.private == f"GET {host}/so/{{request.soDinhDanh}}: HTTP 401"
            assert "Bạn không có quyền" in failed.value.upstream_message
        oauth2 = {"path": "/oauth2/token", "client": "'a'", "secret": "'b'"}
        async with opened("http", url, **http([]), authentication={"oauth2": oauth2}) as adapter:
            with pytest.raises(UpstreamFailed) as failed:
                await ask(adapter)
            assert failed.value.private == f"POST {host}/oauth2/token: HTTP 401 from the token endpoint"
            assert failed.value.why == "refused"


async def test_a_rule_that_does_not_fit_what_was_said_breaks_nothing() -> None:
    office = Office(200, '{"code": {"x": 1}}', "application/json")
    told = http([{"when": "starts_with(answer.code, '4')", "is": "person-not-found"}])
    async with served(office.answer) as url, opened("http", url, **told) as adapter:
        with pytest.raises(UpstreamFailed, match="/errors/0/when") as failed:
            await ask(adapter)
    assert failed.value.why == "unintelligible"


async def test_a_fault_in_the_version_that_the_system_knows() -> None:
    office = Office(500, fault("<faultcode>s:VersionMismatch</faultcode><faultstring>1.1 alone</faultstring>", "1.1"))
    async with served(office.answer) as url, opened("soap", url, **soap([], "1.2")) as adapter:
        with pytest.raises(UpstreamFailed, match="SOAP fault VersionMismatch"):
            await ask(adapter)


async def test_a_redirect_is_said_to_be_one() -> None:
    office = Office(302, "")
    async with served(office.answer) as url, opened("http", url, **http([])) as adapter:
        with pytest.raises(UpstreamFailed, match="HTTP 302, a redirect, which is not followed"):
            await ask(adapter)
