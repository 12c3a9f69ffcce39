"""Plays the national population database: SOAP 1.1 with the hashed Basic header."""

import base64
import binascii
import hashlib
import hmac
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web
from lxml import etree

from lgsp_adapters.mapping.xml_element import XmlElement
from lgsp_adapters.sandbox.fault_injection import Faults
from lgsp_adapters.text.person_names import fold_name

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "http://dancuquocgia.bca"
COLLECTION = "http://www.mic.gov.vn/dancu/1.0"
CLOCK_TOLERANCE = 300
NEEDED = {
    "XacThucThongTinCongDan": ("MaYeuCau", "MaDVC", "MaTichHop", "MaCanBo", "HoVaTen"),
    "TraCuuThongTinCongDan": (
        "MaYeuCau",
        "MaDVC",
        "MaTichHop",
        "MaCanBo",
        "MaDonVi",
        "TaiKhoan",
        "SoDienThoai",
        "HoVaTen",
    ),
    "XacMinhThongTinNhanThan": ("MaYeuCau", "MaDVC", "MaTichHop", "MaCanBo", "MaDonVi", "HoVaTen"),
}
ROW = "SELECT number, old_number, name, born, record FROM citizen WHERE "


class PopulationServer:
    """The server. `credentials` holds user, secret, auth-url and api-key."""

    def __init__(self, database: sqlite3.Connection, credentials: Mapping[str, str]) -> None:
        self._database = database
        self._credentials = credentials

    def app(self) -> web.Application:
        """The HTTP application."""
        app = web.Application()
        Faults(lambda: None).install(app)
        app.router.add_post("/dancuquocgia", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        if request.content_type not in ("text/xml", "application/xml") or "SOAPAction" not in request.headers:
            return _fault("Client", "Content-Type or SOAPAction is missing")
        if not self._knows(request.headers):
            return _fault("Client", "Authentication failed")
        try:
            parser = etree.XMLParser(resolve_entities=False, no_network=True)
            operation = etree.fromstring(await request.read(), parser).find(f"{{{ENVELOPE}}}Body/*")
        except etree.XMLSyntaxError:
            return _fault("Client", "Not XML")
        if operation is None or etree.QName(operation).namespace != NAMESPACE:
            return _fault("Client", "Unknown operation")
        name = etree.QName(operation).localname
        missing = [
            field for field in NEEDED.get(name, ("operation",)) if not operation.findtext(f"{{{NAMESPACE}}}{field}")
        ]
        if missing:
            return _fault("Client", f"Missing {missing[0]}")
        row = self._find(operation)
        if name == "XacThucThongTinCongDan":
            answer = etree.Element(f"{{{NAMESPACE}}}{name}Response", nsmap={"ns": NAMESPACE})
            etree.SubElement(answer, f"{{{NAMESPACE}}}TonTai").text = "true" if row else "false"
        else:
            answer = _collection(row)
        return _envelope(answer)

    def _knows(self, headers: Mapping[str, str]) -> bool:
        known, timestamp = self._credentials, headers.get("Timestamp", "")
        digest = hashlib.sha256(f"{known['auth-url']}{known['user']}{timestamp}{known['secret']}".encode()).hexdigest()
        try:
            given = base64.b64decode(headers.get("Authorization", "").removeprefix("Basic ")).decode()
            age = abs(time.time() - int(timestamp) / 1000)
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return False
        return (
            age < CLOCK_TOLERANCE
            and hmac.compare_digest(given.encode(), f"{known['user']}:{digest}".encode())
            and headers.get("ApiKey") == known["api-key"]
            and "/" in headers.get("X-Road-Client", "")
        )

    def _find(self, operation: XmlElement) -> tuple[Any, ...] | None:
        def text(path: str) -> str:
            return operation.findtext("/".join(f"{{{NAMESPACE}}}{part}" for part in path.split("/"))) or ""

        number, old = text("SoDinhDanh"), text("SoCMND")
        row: tuple[Any, ...] | None = self._database.execute(
            ROW + ("number = ?" if number else "old_number = ?"), (number or old or "-",)
        ).fetchone()
        born = text("NgayThangNamSinh/NgayThangNam") or text("NgayThangNamSinh/Nam")
        if row is None or not born or not row[3].startswith(born) or fold_name(row[2]) != fold_name(text("HoVaTen")):
            return None
        return row


def _collection(row: tuple[Any, ...] | None) -> XmlElement:
    collection = etree.Element(f"{{{COLLECTION}}}CongdanCollection", nsmap={"dc": COLLECTION})
    if row is None:
        return collection
    number, old_number, name, born, record = row
    known = orjson.loads(record)
    address = {"ChiTiet": known["address"], "MaTinhThanh": "22", "MaPhuongXa": known["ward"]}
    citizen: dict[str, Any] = {
        "SoDinhDanh": number,
        "SoCMND": old_number,
        "HoVaTen": _split(name),
        "GioiTinh": known["sex"],
        "DanToc": known["ethnicity"],
        "TonGiao": known["religion"],
        "TinhTrangHonNhan": known["marital"],
        "NgayThangNamSinh": {"NgayThangNam": born} if len(born) == 8 else {"Nam": born},
        "NoiDangKyKhaiSinh": {"ChiTiet": known["birthplace"], "MaTinhThanh": "22"},
        "QuocTich": "VN",
        "QueQuan": {"ChiTiet": known["birthplace"], "MaTinhThanh": "22"},
        "ThuongTru": address,
        "NoiOHienTai": address,
    }
    for tag, relative in known["relatives"].items():
        citizen[tag] = {"SoDinhDanh": relative["number"], "HoVaTen": _split(relative["name"]), "QuocTich": "VN"}
    _add(etree.SubElement(collection, f"{{{COLLECTION}}}CongDan"), citizen)
    return collection


def _split(name: str) -> dict[str, str]:
    family, *middle, given = name.split()
    return {"Ho": family, "ChuDem": " ".join(middle), "Ten": given}


def _add(parent: XmlElement, fields: Mapping[str, Any]) -> None:
    for tag, value in fields.items():
        element = etree.SubElement(parent, f"{{{COLLECTION}}}{tag}")
        if isinstance(value, Mapping):
            _add(element, value)
        else:
            element.text = value


def _envelope(content: XmlElement, status: int = 200) -> web.Response:
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soapenv": ENVELOPE})
    etree.SubElement(root, f"{{{ENVELOPE}}}Body").append(content)
    text = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return web.Response(body=text, status=status, content_type="text/xml", charset="utf-8")


def _fault(code: str, text: str) -> web.Response:
    fault = etree.Element(f"{{{ENVELOPE}}}Fault", nsmap={"soapenv": ENVELOPE})
    etree.SubElement(fault, "faultcode").text = f"soapenv:{code}"
    etree.SubElement(fault, "faultstring").text = text
    return _envelope(fault, 500)
