"""What is sent to a system is what was asked for, written as the system takes it; or nothing is sent, and the caller is told so."""

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from lxml import etree
from support.national import call
from support.processes import ROOT
from support.upstreams import ASKED, ask, opened, served
from support.workbench import Workbench

from lgsp_adapters.adapter import Declared, UnfitRequest, UpstreamFailed
from lgsp_adapters.connectors.soap.envelopes import VERSIONS
from lgsp_adapters.mapping.xml_element import XmlElement
from lgsp_problems import Refusal

DESCRIBED = ROOT / "tests/support/described"
XSI = (
    "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:t='urn:t'"
)


class Office:
    """A system that keeps what it is sent, and holds it against its schema."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.bodies: list[bytes] = []
        self.headers: list[str] = []
        self.says = "<Dap xmlns='urn:t'/>"
        self._schema = etree.XMLSchema(etree.parse(DESCRIBED / "types.xsd"))

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request.raw_path)
        self.headers.append(request.headers.get("X-Ten", ""))
        self.bodies.append(await request.read())
        return web.json_response({"a": "KHOP"})

    async def soap(self, request: web.Request) -> web.Response:
        root = etree.fromstring(await request.read())
        [element] = root.findall("{*}Body/*")
        self._schema.assertValid(element)
        self.bodies.append(etree.tostring(element, method="c14n2", strip_text=True))
        body = f"<s:Envelope xmlns:s='{VERSIONS['1.1'].namespace}'><s:Body>{self.says}</s:Body></s:Envelope>"
        return web.Response(text=body, content_type="text/xml")


def described(fields: dict[str, Any], answer: str = "'KHOP'") -> dict[str, Any]:
    operation = {"operation": "Op", "fields": fields, "answer": {"ketQua": answer}}
    return {"soap": {"wsdl": "types.wsdl"}, "operations": {"read": operation}}


@pytest.mark.parametrize(
    ("field", "value", "sent"),
    [
        ("D", Decimal("1E+21"), "1000000000000000000000"),
        ("D", Decimal("12345678901234567.89"), "12345678901234567.89"),
        ("D", "12.50", "12.50"),
        ("N", Decimal("5.0"), "5"),
        ("N", "5", "5"),
        ("Ngay", "1993-05-17", "1993-05-17"),
        ("Luc", "2026-11-27T19:53:35.98+07:00", "2026-11-27T19:53:35.98+07:00"),
        ("B", True, "true"),
        ("B", "0", "false"),
        ("S", True, "true"),
        ("S", Decimal("5.50"), "5.50"),
        ("Nam", 1993, "1993"),
        ("Ds", [1, 2], "1 2"),
    ],
)
async def test_a_value_is_written_as_the_wsdl_has_it(field: str, value: Any, sent: str) -> None:
    office = Office()
    async with (
        served(office.soap) as url,
        opened("soap", url, DESCRIBED, **described({field: "request.x"})) as adapter,
    ):
        await ask(adapter, x=value)
    assert etree.fromstring(office.bodies[0]).findtext("{*}" + field) == sent


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("D", "1e21", "not an xs:decimal"),
        ("D", "1.250,50", "not an xs:decimal"),
        ("D", True, "not an xs:decimal"),
        ("N", Decimal("5.5"), "not an xs:int"),
        ("N", 2**31, "not an xs:int"),
        ("Ngay", "17/05/1993", "not an xs:date"),
        ("Ngay", "1993-02-30", "not an xs:date"),
        ("Ngay", "2026-11-27T19:53:35+00:00", "not an xs:date"),
        ("Luc", "2026-11-27", "not an xs:dateTime"),
        ("Luc", "2026-11-27 19:53:35", "not an xs:dateTime"),
        ("Luc", "2026-11-27T25:00:00", "not an xs:dateTime"),
        ("B", "có", "not an xs:boolean"),
        ("Nam", "93", "not an xs:gYear"),
        ("S", "An\x00", "a character that XML cannot carry"),
        ("S", "An\uffff", "a character that XML cannot carry"),
        ("S", ["An"], "a document or a list"),
    ],
)
async def test_what_does_not_fit_the_wsdl_is_not_sent(field: str, value: Any, said: str) -> None:
    office = Office()
    async with (
        served(office.soap) as url,
        opened("soap", url, DESCRIBED, **described({field: "request.x"})) as adapter,
    ):
        with pytest.raises(UnfitRequest, match=f"does not fit the WSDL: element {field}, {said}") as unfit:
            await ask(adapter, x=value)
    assert not office.bodies
    assert str(value) not in unfit.value.private


async def test_attributes_and_the_text_beside_them_both_ways() -> None:
    office = Office()
    fields = {
        "T": {"#text": "request.x", "@donVi": "'VND'", "@muc": "`3`"},
        "Ai": {"$each": "request.y", "$as": {"Ten": "item", "@id": "`7`"}},
    }
    answer = 'join(\' \', [answer.T."@donVi", text(answer.T), text(answer.T."@muc"), text(answer.Ai."@id")])'
    office.says = "<Dap xmlns='urn:t'><T donVi='VND' muc='3'> 5 </T><Ai id='7'><Ten>An</Ten></Ai></Dap>"
    async with (
        served(office.soap) as url,
        opened("soap", url, DESCRIBED, **described(fields, answer)) as adapter,
    ):
        assert await ask(adapter, x=Decimal("5.0"), y=["An", "Bình"]) == {"ketQua": "VND 5 3 7"}
        sent = etree.fromstring(office.bodies[0])
        money = sent.find("{*}T")
        assert money is not None
        assert (money.text, dict(money.attrib)) == ("5", {"donVi": "VND", "muc": "3"})
        assert [(one.findtext("{*}Ten"), one.get("id")) for one in sent.iterfind("{*}Ai")] == [
            ("An", "7"),
            ("Bình", "7"),
        ]


async def test_an_answer_of_a_type_that_extends_the_expected_one() -> None:
    office = Office()
    answer = "json([answer.Ai.Tuoi, answer.Ai.Con, answer.Gi])"
    office.says = (
        f"<t:Dap {XSI}><t:Ai xsi:type='t:CongDan'><t:Ten>An</t:Ten><t:Tuoi>33</t:Tuoi><t:Con>Chi</t:Con></t:Ai>"
        "<t:Gi xsi:type='xs:int'>5</t:Gi></t:Dap>"
    )
    async with served(office.soap) as url, opened("soap", url, DESCRIBED, **described({}, answer)) as adapter:
        assert await ask(adapter) == {"ketQua": '[33,["Chi"],5]'}


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("path", "a\x00b"),
        ("path", "a\r\nb"),
        ("path", ".."),
        ("path", "."),
        ("path", "a/../b"),
        ("path", "a\\..\\b"),
        ("path", "..;x=1"),
        ("path", ""),
        ("path", None),
        ("query", "a\x00b"),
        ("form", "a\x1bb"),
        ("headers", "a\r\nX-Admin: true"),
        ("headers", "a\nb"),
        ("headers", "a\x00"),
        ("body", "iso_date"),
    ],
)
async def test_what_cannot_be_sent_over_http_is_the_callers(part: str, value: str | None) -> None:
    office = Office()
    operation: dict[str, Any] = {"path": "/a", "answer": {"ketQua": "answer.a"}}
    operation |= {
        "path": {"path": "/a/{request.x}"},
        "query": {"query": {"x": "request.x"}},
        "form": {"form": {"x": "request.x"}},
        "headers": {"headers": {"X-Ten": "request.x"}},
        "body": {"body": {"x": "iso_date(request.x, 'dd/MM/yyyy')"}},
    }[part]
    async with served(office.answer) as url, opened("http", url, operations={"read": operation}) as adapter:
        with pytest.raises(UnfitRequest) as unfit:
            await ask(adapter, x=value)
        assert unfit.value.private.startswith("test, /operations/read/")
    assert not office.requests


async def test_what_can_be_sent_is_sent_as_it_is() -> None:
    office = Office()
    operation = {
        "path": "/a/{request.x}",
        "query": {"x": "request.x", "n": "request.n"},
        "headers": {"X-Ten": "request.x"},
        "body": {"n": "request.n"},
        "answer": {"ketQua": "answer.a"},
    }
    async with served(office.answer) as url, opened("http", url, operations={"read": operation}) as adapter:
        await ask(adapter, x="Ân/%2e ?#", n=12345678901234567890123)
    assert office.requests == ["/a/%C3%82n%2F%252e%20%3F%23?x=%C3%82n/%252e+?%23&n=12345678901234567890123"]
    assert office.bodies == [b'{"n":12345678901234567890123}']


async def test_a_header_of_the_connection_that_cannot_be_sent_is_the_adapters() -> None:
    office = Office()
    operations = {"read": {"path": "/a", "answer": {"ketQua": "answer.a"}}}
    told = {"operations": operations, "headers": {"X-Ten": "join('', [connection.password, 'a\nb'])"}}
    async with served(office.answer) as url, opened("http", url, **told) as adapter:
        with pytest.raises(UpstreamFailed) as failed:
            await ask(adapter)
    assert failed.value.why == "broken"


async def test_such_a_request_is_answered_as_one_and_says_nothing_of_the_system(bus: Workbench) -> None:
    office = Office()
    operation = {"path": "/a/{request.hoVaTen}", "answer": {"ketQua": "answer.a"}}
    async with served(office.answer) as url, opened("http", url, operations={"read": operation}) as adapter:
        on_the_bus = await bus.serve(read=adapter.method("read"))
        for _ in range(12):
            got = await bus.call(body={**ASKED, "hoVaTen": ".."}, headers={"Idempotency-Key": "khoa-cua-mot-lan-goi"})
            assert (got.status, got.code) == (422, "request-unfit")
        assert (await bus.call(body={**ASKED, "hoVaTen": "An"})).json == {"ketQua": "KHOP"}
        health = on_the_bus.standing("read")["upstream"]
        assert (health["up"], health["failed"]) == (True, {})
        await bus.unserve(on_the_bus)


@pytest.mark.parametrize("name", ["Họ tên", "1a", "a:b", "@x y"])
async def test_a_field_that_no_element_can_be_called_is_refused_at_once(name: str) -> None:
    told = {"soap": {"namespace": "urn:x"}}
    operation = {"element": "A", "fields": {"B": {name: "request.soDinhDanh"}}, "answer": {"ketQua": "answer.a"}}
    with pytest.raises(Refusal, match="cannot be the name of an XML element"):
        async with opened("soap", "http://127.0.0.1:1", **told, operations={"read": operation}):
            pass


async def test_a_bare_envelope_has_attributes_too() -> None:
    sent: list[XmlElement] = []

    async def answer(request: web.Request) -> web.Response:
        sent.append(etree.fromstring(await request.read()))
        body = f"<s:Envelope xmlns:s='{VERSIONS['1.1'].namespace}'><s:Body><r><a>KHOP</a></r></s:Body></s:Envelope>"
        return web.Response(text=body, content_type="text/xml")

    fields = {"@phien": "'2'", "Tien": {"#text": "`5`", "@donVi": "'VND'"}, "HọTên": "request.soDinhDanh"}
    operation = {"element": "A", "fields": fields, "answer": {"ketQua": "answer.a"}}
    async with (
        served(answer) as url,
        opened("soap", url, soap={"namespace": "urn:x"}, operations={"read": operation}) as adapter,
    ):
        assert await ask(adapter) == {"ketQua": "KHOP"}
    [element] = sent[0].findall("{*}Body/{urn:x}A")
    assert element.get("phien") == "2"
    assert (element.findtext("{*}Tien"), element.findall("{*}Tien")[0].get("donVi")) == ("5", "VND")
    assert element.findtext("{*}HọTên") == ASKED["soDinhDanh"]


KEY = {"path": "/", "query": {"so": "request.so", "trang": "request.trang || `1`"}}


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("http", {"operation": KEY}),
        ("http", {"operation": {"path": "/", "body": {"loc": [{"so": "request.so"}], "loai": "'request'"}}}),
        ("http", {"operation": {"path": "/tim", "form": {"so": "request.so || ''"}}}),
        ("http", {"operation": {"path": "/", "headers": {"X-So": "request.so"}}}),
        ("http", {"operation": {"path": "/"}, "query": {"so": "request.so"}}),
        ("soap", {"operation": {"element": "Tim", "fields": {"So": "request.so", "Ma": "call.message"}}}),
    ],
)
@pytest.mark.parametrize("said", [{}, {"so": None}, {"so": ""}, {"so": " \u00a0"}])
async def test_what_is_absent_asks_no_system_for_everybody(
    kind: str, told: dict[str, Any], said: dict[str, Any]
) -> None:
    office = Office()
    asking = {**told["operation"], "none": "person-not-found", "answer": {"ketQua": "'X'"}}
    rest = {name: part for name, part in told.items() if name != "operation"}
    if kind == "soap":
        rest["soap"] = {"namespace": "urn:t"}
    async with served(office.answer) as url, opened(kind, url, operations={"read": asking}, **rest) as adapter:
        method = adapter.method("read")
        assert method
        with pytest.raises(Declared, match="person-not-found"):
            await method(said, call())
        assert office.requests == []
        with contextlib.suppress(UpstreamFailed):  # it answers JSON to SOAP too
            await method({"so": "A1"}, call())
        assert len(office.requests) == 1


async def test_a_list_without_a_key_is_asked_for() -> None:
    office = Office()
    asking = {"path": "/", "query": {"loai": "'request'"}, "none": "person-not-found", "answer": {"ketQua": "answer.a"}}
    async with served(office.answer) as url, opened("http", url, operations={"read": asking}) as adapter:
        assert await ask(adapter) == {"ketQua": "KHOP"}
