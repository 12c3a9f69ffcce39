"""The national enterprise registry: REST through the national platform, with two headers (`domain.md`).

It answers errors with HTTP 200 and an `error_code`, and one representative as an object where several are an array.
"""

import base64
import re
from typing import Any

import orjson

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, UpstreamFailed
from lgsp_adapters.national.dates import iso
from lgsp_adapters.renewed_token import Lease, RenewedToken
from lgsp_adapters.upstream import Upstream, json_object

NOT_FOUND = "404"
TOKEN_REFUSED = ("401", "900901", "900902", "900904")
"""900901 to 900904 are what WSO2 API Manager says of a token that is wrong, missing or expired."""

STATUSES = {
    "NNT đang hoạt động": "DANG_HOAT_DONG",
    "Đang hoạt động": "DANG_HOAT_DONG",
    "Tạm ngừng kinh doanh": "TAM_NGUNG",
    "Đang làm thủ tục giải thể": "DANG_GIAI_THE",
    "Đã giải thể": "DA_GIAI_THE",
}


class EnterpriseRegistry(Adapter):
    """Answers the service `enterprise-registry`."""

    async def open(self) -> None:
        """Open the pool of connections."""
        self._upstream = Upstream(self.connection["url"])
        self._token = RenewedToken(self._take_token)
        keys = {
            "AccessKey": self.connection["access-key"],
            "SecretKey": self.connection["secret-key"],
            "AppName": self.connection["app-name"],
            "PartnerCode": self.connection["partner-code"],
            "PartnerCodeCus": self.connection["partner-code"],
        }
        self._platform_header = {"lgspaccesstoken": base64.b64encode(orjson.dumps(keys)).decode()}

    async def close(self) -> None:
        """Close it."""
        await self._upstream.close()

    async def lookup_enterprise(self, request: Document, call: Call) -> Document:
        """The registration of an enterprise."""
        answer = await self._ask({"msdn": request["maSoDoanhNghiep"]}, call)
        code = str(answer.get("error_code", "0"))
        if code == NOT_FOUND:
            raise Declared("enterprise-not-found")
        if code != "0":
            raise UpstreamFailed("refused" if code in TOKEN_REFUSED else "broken", f"error_code {code[:20]}")
        return _enterprise(answer)

    async def _ask(self, query: Document, call: Call) -> Document:
        """Ask with the token of the moment, and once more with a new one when it is refused."""
        answer: Document = {}
        for _ in range(2):
            token = await self._token.get(call)
            headers = {**self._platform_header, "Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            status, content = await self._upstream.post(
                "/dkdn/chiTietDoanhNghiep", call, headers=headers, body=orjson.dumps(query)
            )
            if status == 401:
                self._token.refused(token)
                answer = {"error_code": "401"}
                continue
            answer = json_object(status, content)
            if str(answer.get("error_code", "0")) not in TOKEN_REFUSED:
                break
            self._token.refused(token)
        return answer

    async def _take_token(self, call: Call) -> Lease[str]:
        status, content = await self._upstream.post(
            "/token", call, headers=self._platform_header, form={"grant_type": "client_credentials"}
        )
        answer = json_object(status, content)
        if "access_token" not in answer:
            raise UpstreamFailed("refused", f"no token: error_code {str(answer.get('error_code', ''))[:20]}")
        try:
            return Lease(str(answer["access_token"]), float(answer.get("expires_in", 60)))
        except (TypeError, ValueError):
            raise UpstreamFailed("unintelligible", "expires_in is not a number") from None


def _enterprise(answer: Document) -> Document:
    main = answer.get("MainInformation")
    if not isinstance(main, dict):
        raise UpstreamFailed("unintelligible", "there is no MainInformation")
    enterprise: dict[str, Any] = {
        "maSoDoanhNghiep": main.get("ENTERPRISE_CODE"),
        "maSoThue": main.get("ENTERPRISE_GDT_CODE"),
        "ten": main.get("NAME"),
        "tenNuocNgoai": main.get("NAME_F"),
        "tenVietTat": main.get("SHORT_NAME"),
        "loaiHinh": main.get("ENTERPRISE_TYPE_NAME"),
        "trangThai": STATUSES.get(str(main.get("ENTERPRISE_STATUS", "")), "KHONG_RO"),
        "ngayThanhLap": _date(main.get("FOUNDING_DATE")),
        "vonDieuLe": _dong(main.get("CAPITAL_AMOUNT")),
        "diaChiTruSo": _address(answer.get("HOAdress")),
        "nguoiDaiDien": [_representative(found) for found in _several(answer.get("Representatives"))],
        "nganhNghe": [_activity(found) for found in _several(answer.get("BusinessActivity"))],
    }
    return {field: value for field, value in enterprise.items() if value not in (None, "", {})}


def _several(value: Any) -> list[dict[str, Any]]:
    """One or many, as a list."""
    found = value if isinstance(value, list) else [value]
    return [item for item in found if isinstance(item, dict)]


def _date(value: Any) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    day = value[:10]
    return iso(day, "%d/%m/%Y") if "/" in day else iso(day, "%Y-%m-%d")


def _dong(value: Any) -> int | None:
    """An amount in đồng, which arrives as a number or as text such as `5.000.000.000`."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    digits = re.sub(r"[.,\s]", "", str(value or ""))
    return int(digits) if re.fullmatch("[0-9]+", digits) else None


def _address(value: Any) -> Document:
    if not isinstance(value, dict) or not value.get("AddressFullText"):
        return {}
    address = {
        "chiTiet": value["AddressFullText"],
        "tinh": value.get("CityName"),
        "huyen": value.get("DistrictName"),
        "xa": value.get("WardName"),
    }
    return {field: text for field, text in address.items() if text}


def _representative(value: dict[str, Any]) -> Document:
    person = {"hoVaTen": value.get("FULL_NAME"), "chucDanh": value.get("POSITION_NAME")}
    return {field: text for field, text in person.items() if text}


def _activity(value: dict[str, Any]) -> Document:
    code = re.sub(r"\D", "", str(value.get("CODE", "")))
    return {"ma": code, "ten": value.get("NAME"), "chinh": value.get("IS_MAIN") in (True, "Y", "1", 1)}
