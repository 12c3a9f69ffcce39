"""The national population database: SOAP 1.1 behind X-Road, with a hashed Basic header (`domain.md` gives the format).

What its codes mean stands in `codes.yaml` beside the manifest, where an operator can correct it.
"""

import base64
import hashlib
import time
from collections.abc import Mapping
from typing import Any

from lxml import etree

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, UpstreamFailed
from lgsp_adapters.national import soap
from lgsp_adapters.national.dates import iso
from lgsp_adapters.person_names import folded
from lgsp_adapters.upstream import Upstream

NAMESPACE = "http://dancuquocgia.bca"
PATH = "/dancuquocgia"
PEOPLE = {
    "cha": "Cha",
    "me": "Me",
    "voChong": "VoChong",
    "nguoiDaiDien": "NguoiDaiDien",
    "chuHo": "ChuHo",
}
PLACES = {
    "noiDangKyKhaiSinh": "NoiDangKyKhaiSinh",
    "queQuan": "QueQuan",
    "thuongTru": "ThuongTru",
    "noiOHienTai": "NoiOHienTai",
}
RELATIONS = {"CHA": "cha", "ME": "me", "VO_CHONG": "voChong", "CHU_HO": "chuHo", "NGUOI_DAI_DIEN": "nguoiDaiDien"}


class Population(Adapter):
    """Answers the service `population`."""

    async def open(self) -> None:
        """Open the pool of connections."""
        self._upstream = Upstream(self.connection["url"])

    async def close(self) -> None:
        """Close it."""
        await self._upstream.close()

    async def verify_citizen(self, request: Document, call: Call) -> Document:
        """Does such a person exist (service code 033)?"""
        answer = await self._ask("XacThucThongTinCongDan", "033", request, call)
        exists = soap.text(answer, "TonTai").lower()
        if exists not in ("true", "false", "1", "0"):
            raise UpstreamFailed("unintelligible", "TonTai is neither true nor false")
        return {"tonTai": exists in ("true", "1")}

    async def lookup_citizen(self, request: Document, call: Call) -> Document:
        """The record of a person (service code 037)."""
        answer = await self._ask("TraCuuThongTinCongDan", "037", request, call, self._desk())
        citizen = soap.child(answer, "CongDan")
        if citizen is None:
            raise Declared("citizen-not-found")
        return self._citizen(citizen)

    async def verify_relative(self, request: Document, call: Call) -> Document:
        """Does a relative stand in the stated relation to a person? The record stays here; only the verdict leaves."""
        code, unit = self.connection["relative-code"], {"MaDonVi": self.connection["unit"]}
        answer = await self._ask("XacMinhThongTinNhanThan", code, request, call, unit)
        citizen = soap.child(answer, "CongDan")
        if citizen is None:
            raise Declared("citizen-not-found")
        stated = request["nguoiThan"]
        known = self._person(soap.child(citizen, PEOPLE[RELATIONS[stated["quanHe"]]]))
        same_number = known.get("soDinhDanh") == stated["soDinhDanh"]
        return {"dungQuanHe": same_number and folded(known.get("hoVaTen", "")) == folded(stated["hoVaTen"])}

    def _desk(self) -> Mapping[str, str]:
        return {
            "MaDonVi": self.connection["unit"],
            "TaiKhoan": self.connection["account"],
            "SoDienThoai": self.connection["phone"],
        }

    async def _ask(
        self, operation: str, code: str, request: Document, call: Call, more: soap.Fields | None = None
    ) -> etree._Element:
        fields: dict[str, Any] = {
            "MaYeuCau": call.context.message,
            "MaDVC": self.connection["public-service"],
            "MaTichHop": code,
            "MaCanBo": self.connection["officer"],
            **(more or {}),
            **({"SoDinhDanh": request["soDinhDanh"]} if "soDinhDanh" in request else {"SoCMND": request["soCmnd"]}),
            "HoVaTen": request["hoVaTen"],
            "NgayThangNamSinh": _birth(request["ngaySinh"]),
        }
        body = soap.envelope(NAMESPACE, operation, fields)
        status, content = await self._upstream.post(PATH, call, headers=self._headers(), body=body)
        if status not in (200, 500):  # SOAP 1.1 sends faults with 500
            raise UpstreamFailed("refused" if status in (401, 403) else "broken", f"HTTP {status}")
        return soap.body_of(content)

    def _headers(self) -> dict[str, str]:
        user, secret = self.connection["user"], self.connection["secret"]
        timestamp = str(int(time.time() * 1000))
        digest = hashlib.sha256(f"{self.connection['auth-url']}{user}{timestamp}{secret}".encode()).hexdigest()
        return {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": '""',
            "X-Road-Client": self.connection["x-road-client"],
            "ApiKey": self.connection["api-key"],
            "Timestamp": timestamp,
            "Authorization": "Basic " + base64.b64encode(f"{user}:{digest}".encode()).decode(),
        }

    def _citizen(self, element: etree._Element) -> Document:
        citizen: dict[str, Any] = {
            "soDinhDanh": soap.text(element, "SoDinhDanh"),
            "soCmnd": soap.text(element, "SoCMND"),
            "hoVaTen": _name(soap.child(element, "HoVaTen")),
            "gioiTinh": self._code("gioiTinh", soap.text(element, "GioiTinh")) or "CHUA_RO",
            "ngaySinh": _born(soap.child(element, "NgayThangNamSinh")),
            "danToc": self._code("danToc", soap.text(element, "DanToc")),
            "tonGiao": self._code("tonGiao", soap.text(element, "TonGiao")),
            "tinhTrangHonNhan": self._code("tinhTrangHonNhan", soap.text(element, "TinhTrangHonNhan")),
            "quocTich": self._code("quocTich", soap.text(element, "QuocTich")),
        }
        citizen |= {field: _place(soap.child(element, name)) for field, name in PLACES.items()}
        citizen |= {field: self._person(soap.child(element, name)) for field, name in PEOPLE.items()}
        return {field: value for field, value in citizen.items() if value}

    def _person(self, element: etree._Element | None) -> Document:
        person = {
            "soDinhDanh": soap.text(element, "SoDinhDanh"),
            "soCmnd": soap.text(element, "SoCMND"),
            "hoVaTen": _name(soap.child(element, "HoVaTen")),
            "quocTich": self._code("quocTich", soap.text(element, "QuocTich")),
            "quanHe": soap.text(element, "QuanHe"),
        }
        return {field: value for field, value in person.items() if value} if person["hoVaTen"] else {}

    def _code(self, table: str, code: str) -> str:
        return str(self.connection["codes"][table].get(code, "")) if code else ""


def _birth(date: str) -> dict[str, str]:
    return {"Nam": date} if len(date) == 4 else {"NgayThangNam": date.replace("-", "")}


def _born(element: etree._Element | None) -> str:
    full = soap.text(element, "NgayThangNam")
    return iso(full, "%Y%m%d") if full else soap.text(element, "Nam")


def _name(element: etree._Element | None) -> str:
    """A name that is split into Ho, ChuDem and Ten, or stands as one text."""
    parts = [soap.text(element, part) for part in ("Ho", "ChuDem", "Ten")]
    whole = " ".join(part for part in parts if part)
    return whole or ((element.text or "").strip() if element is not None else "")


def _place(element: etree._Element | None) -> Document:
    place = {
        "chiTiet": soap.text(element, "ChiTiet"),
        "maTinh": soap.text(element, "MaTinhThanh"),
        "maHuyen": soap.text(element, "MaQuanHuyen"),
        "maXa": soap.text(element, "MaPhuongXa"),
    }
    return {field: value for field, value in place.items() if value} if place["chiTiet"] else {}
