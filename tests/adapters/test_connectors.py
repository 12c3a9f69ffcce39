"""What a manifest can say of a system beyond the nine that come with lgsp: TLS both ways, SOAP 1.2, WS-Security."""

import base64
import hashlib
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from lxml import etree
from support.adapters import CONTRACT
from support.authority import Authority
from support.upstreams import ask, opened, served

from lgsp_adapters.adapter import Declared, UpstreamFailed
from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_adapters.connectors.soap import envelopes
from lgsp_adapters.connectors.soap.envelopes import PASSWORD, VERSIONS, WSSE, WSU
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.xml_documents import document
from lgsp_adapters.mapping.xml_element import XmlElement
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal

HTTP = {"operations": {"read": {"path": "/", "answer": {"ketQua": "answer.a"}}}}


async def test_a_system_with_a_certificate_of_its_own_is_believed_only_when_it_is_named(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"a": "KHOP"})

    authority = Authority(tmp_path)
    authority.issue()
    strict = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    strict.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    strict.verify_mode = ssl.CERT_REQUIRED
    strict.load_verify_locations(authority.path)
    names = {"ca": "ca.pem", "certificate": "cert.pem", "key": "key.pem"}
    async with served(answer, strict) as url:
        for tls in ({}, {"ca": names["ca"]}):
            async with opened("http", url, tmp_path, tls=tls, **HTTP) as adapter:
                with pytest.raises(UpstreamFailed) as failed:
                    await ask(adapter)
                assert failed.value.why == "unreachable"
        async with opened("http", url, tmp_path, tls=names, **HTTP) as adapter:
            assert await ask(adapter) == {"ketQua": "KHOP"}
    with pytest.raises(Refusal) as refused:
        build_adapter(
            Manifest(
                SourceLocation("test"), {**HTTP, "kind": "http", "tls": {"ca": "none.pem"}}, {"url": "x"}, tmp_path
            ),
            CONTRACT,
        )
    assert "test, /tls: cannot use" in refused.value.detail.en


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_soap_with_a_username_token(version: str) -> None:
    seen: list[tuple[str, XmlElement]] = []
    soap = VERSIONS[version]
    body = "<r xmlns='urn:x'><kq> KHOP </kq><nil xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'/></r>"
    said = {"answer": body}

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.headers["Content-Type"], etree.fromstring(await request.read())))
        text = f"<s:Envelope xmlns:s='{soap.namespace}'><s:Body>{said['answer']}</s:Body></s:Envelope>"
        return web.Response(status=500 if "Fault" in text else 200, text=text, content_type="text/xml")

    told = {
        "soap": {
            "namespace": "urn:x",
            "version": version,
            "username-token": {"user": "'lgsp'", "password": "connection.password"},
        },
        "operations": {
            "read": {
                "element": "TraCuu",
                "action": "urn:x/TraCuu",
                "fields": {"So": "request.soDinhDanh", "Ten": "request.hoVaTen", "Co": "`true`"},
                "none": "person-not-found",
                "answer": {"ketQua": "answer.kq", "biMat": "answer.nil"},
            }
        },
    }
    async with served(answer) as url, opened("soap", url, **told) as adapter:
        assert await ask(adapter) == {"ketQua": "KHOP"}
        media_type, sent = seen[0]
        assert ("urn:x/TraCuu" in media_type) == (version == "1.2")
        token = sent.find(f".//{{{WSSE}}}UsernameToken")
        assert token is not None
        nonce, created = (
            token.findtext(f"{{{space}}}{name}") or "" for space, name in ((WSSE, "Nonce"), (WSU, "Created"))
        )
        password = token.find(f"{{{WSSE}}}Password")
        expected = hashlib.sha1(base64.b64decode(nonce) + created.encode() + "bí mật".encode()).digest()
        assert password is not None
        assert (password.text, password.get("Type")) == (base64.b64encode(expected).decode(), PASSWORD + "Digest")
        fields = sent.find("{*}Body/{urn:x}TraCuu")
        assert [(etree.QName(field).localname, field.text) for field in fields] == [
            ("So", "022093001234"),
            ("Co", "true"),
        ]  # type: ignore[union-attr]
        said["answer"] = "<r/>"
        with pytest.raises(Declared):
            await ask(adapter)
        fault = (
            "<faultcode>s:Client</faultcode>" if version == "1.1" else "<s:Code><s:Value>s:Sender</s:Value></s:Code>"
        )
        said["answer"] = f"<s:Fault>{fault}</s:Fault>"
        with pytest.raises(UpstreamFailed) as failed:
            await ask(adapter)
        assert failed.value.why == "refused"


def test_a_repeated_element_is_a_list_and_a_control_character_no_envelope() -> None:
    root = etree.fromstring("<a><b>1</b><b><c>2</c></b><d/><!-- x --></a>")
    assert document(root) == {"b": ["1", {"c": "2"}], "d": None}
    with pytest.raises(MappingError, match="b: a character that XML cannot carry"):
        envelopes.UndescribedFormat(VERSIONS["1.1"], "urn:x", "A").envelope({"b": "\x01"})


async def test_soap_takes_a_new_token_when_its_session_is_refused() -> None:
    tokens = iter(("old", "new"))
    said = f"<s:Envelope xmlns:s='{VERSIONS['1.1'].namespace}'><s:Body><r><kq>KHOP</kq></r></s:Body></s:Envelope>"

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/token":
            return web.json_response({"t": next(tokens)})
        known = request.headers["Authorization"] == "Bearer new"
        return web.Response(status=200 if known else 401, text=said, content_type="text/xml")

    told = {
        "soap": {"namespace": "urn:x"},
        "headers": {"Authorization": "join(' ', ['Bearer', session.t])"},
        "authentication": {"login": {"path": "/token", "session": {"t": "answer.t"}}},
        "operations": {"read": {"element": "A", "fields": {}, "answer": {"ketQua": "answer.kq"}}},
    }
    async with served(answer) as url, opened("soap", url, **told) as adapter:
        assert await ask(adapter) == {"ketQua": "KHOP"}
