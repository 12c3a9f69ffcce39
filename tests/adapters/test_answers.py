"""What systems answer over HTTP, however it is written: XML of every habit, character sets, parts, documents inside texts."""

import json
import re
from typing import Any

import pytest
import yaml
from aiohttp import web
from support.processes import ROOT
from support.upstreams import ask, opened, served

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.connectors.soap.envelopes import VERSIONS
from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.mapping.xml_documents import NotXmlError, document, tree
from lgsp_contracts.source_location import SourceLocation

XSI = "xmlns:i='http://www.w3.org/2001/XMLSchema-instance'"
DEEP = 300
NAME = "Nguyễn Văn Ân"


@pytest.mark.parametrize(
    ("xml", "meant"),
    [
        ("<a><b>1</b><!-- x --><?x y?><b/></a>", {"b": ["1", None]}),
        ("<a><Ten>Tr<!-- x -->ần<?x y?> Ân</Ten></a>", {"Ten": "Trần Ân"}),
        ("<a><Ten><![CDATA[Trần <b>]]> &amp; Ân</Ten></a>", {"Ten": "Trần <b> & Ân"}),
        ("<a><Dan id='7' name='An'/></a>", {"Dan": {"@id": "7", "@name": "An"}}),
        ("<a><Tien donVi='VND'> 5 </Tien></a>", {"Tien": {"@donVi": "VND", "#text": "5"}}),
        ("<a id='1' xmlns:q='urn:q' q:id='2' q:k='3'><b>x</b></a>", {"@id": "1", "@k": "3", "b": "x"}),
        ("<a><Ten>Trần <b>Văn</b> Bình</Ten></a>", {"Ten": "Trần Văn Bình"}),
        ("<a>OK<b><c>1</c></b></a>", {"b": {"c": "1"}, "#text": "OK1"}),
        ("<a>\ufeff<b>1</b></a>", {"b": "1"}),
        (f"<a {XSI}><b i:nil='true'/><c i:type='x:y'>1</c><d i:nil='1' k='2'/></a>", {"b": None, "c": "1", "d": {"@k": "2"}}),
        ("<p:a xmlns:p='urn:p'><p:b>1</p:b><b>2</b></p:a>", {"b": ["1", "2"]}),
        ("<a/>", None),
        ("<a xml:lang='vi' xmlns:m='urn:schemas-microsoft-com:xml-msdata' m:rowOrder='0'>An</a>", "An"),
    ],
)  # fmt: skip
def test_xml_as_a_document(xml: str, meant: Any) -> None:
    assert document(tree(xml.encode())) == meant


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        (f"<a>{NAME}</a>".encode(), "iso-8859-1"),  # put there by an application server, unasked
        (f"<?xml version='1.0' encoding='utf-16'?><a>{NAME}</a>".encode(), "utf-8"),  # .NET's StringWriter
        (f"<?xml version='1.0' encoding='utf-16'?><a>{NAME}</a>".encode(), ""),
        (f"<?xml version='1.0' encoding='utf-16'?><a>{NAME}</a>".encode("utf-16"), ""),
        (f"<a>{NAME}</a>".encode("utf-16-be"), "utf-16"),
        (f"\ufeff<?xml version='1.0'?><a>{NAME}</a>".encode(), ""),
        (f"\r\n <?xml version='1.0'?><a>{NAME}</a>".encode(), ""),
        ("<a>Nguyê\u0303n Văn Ân</a>".encode("cp1258"), "windows-1258"),  # a letter and its accent, apart
    ],
)
def test_xml_in_its_characters(content: bytes, charset: str) -> None:
    assert document(tree(content, charset)) == NAME


def test_the_header_counts_before_the_prolog() -> None:
    prolog = "<?xml version='1.0' encoding='{}'?><a>é</a>"
    assert document(tree("<a>é</a>".encode("latin-1"), "iso-8859-1")) == "é"
    assert document(tree(prolog.format("iso-8859-1").encode("latin-1"))) == "é"
    assert document(tree(prolog.format("iso-8859-1").encode("cp437"), "cp437")) == "é"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<a>\xe9</a>", "the bytes are not utf-8"),
        (b"<?xml version='1.0' encoding='unicode_escape'?><a>\xe9</a>", "not utf-8, nor unicode_escape"),
        (b"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "declares a document type"),
        (b"<a>&e;</a>", "is not XML"),
        (b"<a/>" + b"x" * 9, "is not XML"),
        (b"<a>" * DEEP + b"</a>" * DEEP, "is not XML"),
        (b"<a>" + b"<b/>" * 250_000 + b"</a>", "more than 100000 elements"),
        (b"", "is not XML"),
    ],
)
def test_what_is_no_xml(content: bytes, said: str) -> None:
    with pytest.raises(NotXmlError, match=said):
        tree(content)


class Office:
    """A system that answers what the test says."""

    def __init__(self) -> None:
        self.content = b""
        self.content_type = "text/xml"
        self.status = 200

    async def answer(self, _request: web.Request) -> web.Response:
        return web.Response(status=self.status, body=self.content, headers={"Content-Type": self.content_type})

    def says(self, content: str | bytes, content_type: str = "", status: int = 200) -> None:
        self.content = content.encode() if isinstance(content, str) else content
        self.content_type, self.status = content_type or self.content_type, status


def soap(answer: str, **told: Any) -> dict[str, Any]:
    operation = {"element": "A", "fields": {"So": "request.soDinhDanh"}, "answer": {"ketQua": answer}, **told}
    return {"soap": {"namespace": "urn:x"}, "operations": {"read": operation}}


def http(answer: str, **told: Any) -> dict[str, Any]:
    return {"operations": {"read": {"path": "/{request.soDinhDanh}", "answer": {"ketQua": answer}, **told}}}


def envelope(body: str, version: str = "1.1") -> str:
    return f"<s:Envelope xmlns:s='{VERSIONS[version].namespace}'><s:Body>{body}</s:Body></s:Envelope>"


async def test_a_soap_answer_whose_header_says_the_character_set() -> None:
    office = Office()
    async with served(office.answer) as url, opened("soap", url, **soap('answer.Dan."@ten"')) as adapter:
        office.says(envelope("<r><Dan ten='é'/></r>").encode("latin-1"), "text/xml; charset=iso-8859-1")
        assert await ask(adapter) == {"ketQua": "é"}
        office.says(
            "<?xml version='1.0' encoding='utf-16'?>" + envelope(f"<r><Dan ten='{NAME}'/></r>"),
            "text/xml; charset=utf-8",
        )
        assert await ask(adapter) == {"ketQua": NAME}


FIRST = 'Content-Type: application/xop+xml; charset=utf-8; type="text/xml"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <root@x>\r\n\r\n'
OTHER = "Content-Type: application/pdf\r\nContent-ID: <scan@x>\r\n\r\n%PDF\r\n"


@pytest.mark.parametrize("parts", [[FIRST], [FIRST, OTHER], [OTHER, FIRST]])
@pytest.mark.parametrize("named", [True, False])
async def test_a_multipart_answer_is_its_root_part(parts: list[str], *, named: bool) -> None:
    office = Office()
    body = "".join(
        f"--b\r\n{part}{envelope(f'<r><Ten>{NAME}</Ten></r>') if part is FIRST else ''}\r\n" for part in parts
    )
    head = (
        'multipart/related; boundary="b"; type="application/xop+xml"; start="<root@x>"'
        if named
        else "multipart/related"
    )
    if not named and parts[0] is OTHER:
        return
    async with served(office.answer) as url, opened("soap", url, **soap("answer.Ten")) as adapter:
        office.says(f"{body}--b--\r\n", head)
        assert await ask(adapter) == {"ketQua": NAME}


@pytest.mark.parametrize(
    "reference",
    [
        "<Tep><x:Include xmlns:x='http://www.w3.org/2004/08/xop/include' href='cid:scan@x'/></Tep>",
        "<Tep>cid:scan@x</Tep>",
        "<Tep href='cid:scan@x'/>",
    ],
)
async def test_what_refers_to_another_part_is_refused(reference: str) -> None:
    office = Office()
    async with served(office.answer) as url, opened("soap", url, **soap("answer.Ten")) as adapter:
        office.says(
            f"--b\r\n{FIRST}{envelope(f'<r><Ten>An</Ten>{reference}</r>')}\r\n--b\r\n{OTHER}--b--\r\n",
            'multipart/related; boundary="b"',
        )
        with pytest.raises(UpstreamFailed, match="refers to an attachment") as failed:
            await ask(adapter)
    assert failed.value.why == "unintelligible"


async def test_values_that_are_written_once_and_pointed_at() -> None:
    office = Office()
    many = "<m id='i0'><Ten>An</Ten><Me href='#i1'/></m><m id='i1'><Ten>Bình</Ten></m>"
    circle = "<m id='i0'><Ten>An</Ten><Me href='#i0'/></m>"
    told = soap("answer.Nguoi.Me.Ten", none="person-not-found")
    async with served(office.answer) as url, opened("soap", url, **told) as adapter:
        office.says(envelope(f"<r><Nguoi href='#i0'/></r>{many}"))
        assert await ask(adapter) == {"ketQua": "Bình"}
        for wrong in (circle, ""):
            office.says(envelope(f"<r><Nguoi href='#i0'/></r>{wrong}"))
            with pytest.raises(UpstreamFailed, match="has a reference without a target"):
                await ask(adapter)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b'\xef\xbb\xbf{"a": "Nguy\xe1\xbb\x85n"}', "application/json"),
        ('{"a": "Nguyễn"}'.encode("utf-16"), "application/json; charset=utf-16"),
        ('{"a": "Nguyễn"}'.encode("utf-16-le"), "application/json"),
        ('{"a": "Nguyễn"}'.encode("utf-32"), "application/json"),
        ('{"a": "Nguyễn"}'.encode(), "application/json; charset=iso-8859-1"),
        ('{"a": "Nguyê\u0303n"}'.encode("cp1258"), "application/json; charset=windows-1258"),
        ("<r><a>Nguyễn</a></r>".encode(), "application/xml"),
        ('{"a": "Nguyễn"}'.encode(), "text/xml"),
    ],
)
async def test_an_answer_over_http_in_its_characters(content: bytes, content_type: str) -> None:
    office = Office()
    office.says(content, content_type)
    async with served(office.answer) as url, opened("http", url, **http("answer.a")) as adapter:
        assert await ask(adapter) == {"ketQua": "Nguyễn"}


async def test_an_answer_over_http_that_nobody_understands() -> None:
    office = Office()
    async with (
        served(office.answer) as url,
        opened("http", url, **http("answer.a", none="person-not-found")) as adapter,
    ):
        for content, said in (
            (b'{"a": "\xe9"}', "not JSON"),
            (b"[" * DEEP + b"]" * DEEP, "deeper than 200 levels"),
            ("{'a': 1}", "not JSON"),
            ('{"a": "Chủ 1", "a": "Chủ 2"}', "an object has the same name twice"),
            ('{"a": {"b": ": ", "c": 1, "c": 1.5}}', "an object has the same name twice"),
        ):
            office.says(content, "application/json")
            with pytest.raises(UpstreamFailed, match=said) as failed:
                await ask(adapter)
            assert failed.value.why == "unintelligible"


@pytest.mark.parametrize(
    ("expression", "value", "meant"),
    [
        ("parse_xml(x).Ma", "<?xml version='1.0' encoding='utf-16'?><R><Ma> 00 </Ma></R>", "00"),
        ('parse_xml(x).Dan."@id"', "\ufeff<R xmlns='urn:x'><Dan id='7'/></R>", "7"),
        ("parse_json(x).ma", ' \ufeff{"ma": " 00 ", "b": ""}', "00"),
        ("parse_json(x).b", '{"ma": "00", "b": ""}', None),
        ("parse_json(parse_json(x)).ma", '"{\\"ma\\": \\"00\\"}"', "00"),
        ("parse_xml(x)", None, None),
        ("parse_json(x)", "", None),
        ("parse_json(x).ma", '{"ma": "00", "ma": "00", "b": "::"}', "00"),
        ("text(parse_xml(x).Tien)", "<R><Tien donVi='VND'>5</Tien></R>", "5"),
        ("text(parse_xml(x).Tien)", "<R><Tien>5</Tien></R>", "5"),
    ],
)
def test_a_document_inside_a_text(expression: str, value: str | None, meant: Any) -> None:
    assert Template(expression, SourceLocation("test"), ("x",))({"x": value}) == meant


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("parse_xml(x)", "<!DOCTYPE R [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><R>&b;</R>"),
        ("parse_xml(x)", "<!DOCTYPE R [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><R>&e;</R>"),
        ("parse_xml(x)", "bí mật"),
        ("parse_xml(x)", "<a/>" * 400_000),
        ("parse_json(x)", "bí mật"),
        ("parse_json(x)", "[" * DEEP + "]" * DEEP),
        ("parse_json(x)", '{"bí mật": '),
        ("parse_json(x)", '{"ma": "00", "ma": "01"}'),
    ],
)
async def test_a_text_that_is_no_document(expression: str, value: str) -> None:
    office = Office()
    office.says(envelope(f"<r><x><![CDATA[{value}]]></x></r>"))
    async with (
        served(office.answer) as url,
        opened("soap", url, **soap(expression.replace("x)", "answer.x)"))) as adapter,
    ):
        with pytest.raises(UpstreamFailed) as failed:
            await ask(adapter)
    assert failed.value.why == "unintelligible"
    assert "bí mật" not in failed.value.private


PAGE = (ROOT / "docs/reference/http-and-soap.md").read_text()


@pytest.mark.parametrize(("xml", "meant"), re.findall(r"^\| `(<a>.+</a>)` \| `(\{.+\})` \|$", PAGE, re.MULTILINE))
def test_an_example_of_the_page(xml: str, meant: str) -> None:
    assert document(tree(xml.replace("<a>", f"<a xmlns:xsi='{XSI.split(chr(39))[1]}'>").encode())) == json.loads(meant)


async def test_the_pages_of_the_page() -> None:
    pages = yaml.safe_load(PAGE.partition("## Pages")[2].partition("```yaml\n")[2].partition("```")[0])

    async def answer(request: web.Request) -> web.Response:
        number = int(request.query.get("page", "0"))
        return web.json_response({"content": [{"name": f"n{number}"}], "number": number, "last": number == 2})

    operation = {"path": "/", "pages": pages["pages"], "answer": {"ketQua": "join(' ', items[].name)"}}
    async with served(answer) as url, opened("http", url, operations={"read": operation}) as adapter:
        assert await ask(adapter) == {"ketQua": "n0 n1 n2"}
