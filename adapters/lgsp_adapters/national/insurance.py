"""The national insurance database: REST with its own tokens, which travel in the query (`domain.md`).

Whatever goes wrong it answers with HTTP 200 and a `maKetQua`: 000 is valid, 401 asks for a new token, others say what does
not match. How `lookup-participation` is asked is not public; the path and fields used here are the sandbox's own and
are to be confirmed with the provider.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, UpstreamFailed
from lgsp_adapters.national.dates import from_iso, iso
from lgsp_adapters.renewed_token import Lease, RenewedToken
from lgsp_adapters.upstream import Upstream

DATES = "%d/%m/%Y"
VALID = "000"
TOKEN_REFUSED = "401"  # noqa: S105 - a result code
NOT_FOUND = "404"
FAILED = ("500", "205")
"""Codes that speak of the request or the system and not of the card."""

SEX = {"Nam": "NAM", "Nữ": "NU"}


@dataclass(frozen=True, slots=True)
class _Session:
    token: str
    id_token: str


class Insurance(Adapter):
    """Answers the service `insurance`."""

    async def open(self) -> None:
        """Open the pool of connections."""
        self._upstream = Upstream(self.connection["url"])
        self._session = RenewedToken(self._take_session)
        self._password = hashlib.md5(self.connection["password"].encode(), usedforsecurity=False).hexdigest()

    async def close(self) -> None:
        """Close it."""
        await self._upstream.close()

    async def check_health_card(self, request: Document, call: Call) -> Document:
        """Is this card valid for this person?"""
        answer = await self._ask(
            "KQNhanLichSuKCB2024",
            {
                "maThe": request["maTheBhyt"],
                "hoTen": request["hoVaTen"],
                "ngaySinh": from_iso(request["ngaySinh"], DATES),
                "hoTenCb": self.connection["officer-name"],
                "cccdCb": self.connection["officer-number"],
            },
            call,
        )
        return _card(answer)

    async def lookup_participation(self, request: Document, call: Call) -> Document:
        """The periods in which a person paid social insurance."""
        answer = await self._ask("QuaTrinhThamGia", {"maSoBHXH": request["maSoBhxh"]}, call)
        if answer["maKetQua"] == NOT_FOUND:
            raise Declared("participant-not-found")
        if answer["maKetQua"] != VALID:
            raise UpstreamFailed("broken", f"maKetQua {str(answer['maKetQua'])[:10]}")
        return _participation(answer)

    async def _ask(self, operation: str, query: Document, call: Call) -> Document:
        """Ask with the session of the moment, and once more with a new one when it has expired."""
        answer: Document = {}
        for _ in range(2):
            session = await self._session.get(call)
            params = {
                "token": session.token,
                "id_token": session.id_token,
                "username": self.connection["username"],
                "password": self._password,
            }
            answer = await self._upstream.post_json(f"/api/egw/{operation}", call, query, params=params)
            answer["maKetQua"] = str(answer.get("maKetQua", ""))
            if answer["maKetQua"] != TOKEN_REFUSED:
                break
            self._session.refused(session)
        if answer["maKetQua"] in (TOKEN_REFUSED, "", *FAILED):
            turned_away = answer["maKetQua"] == TOKEN_REFUSED
            raise UpstreamFailed("refused" if turned_away else "broken", f"maKetQua {answer['maKetQua'][:10]!r}")
        return answer

    async def _take_session(self, call: Call) -> Lease[_Session]:
        answer = await self._upstream.post_json(
            "/api/token/take", call, {"username": self.connection["username"], "password": self._password}
        )
        key = answer.get("APIKey")
        if str(answer.get("maKetQua")) != "200" or not isinstance(key, dict):
            raise UpstreamFailed("refused", f"no token: maKetQua {str(answer.get('maKetQua'))[:10]}")
        try:
            expires = datetime.fromisoformat(key["expires_in"])
            session = _Session(str(key["access_token"]), str(key["id_token"]))
        except (KeyError, TypeError, ValueError):
            raise UpstreamFailed("unintelligible", "the token lacks what it needs") from None
        expires = expires if expires.tzinfo else expires.replace(tzinfo=UTC)
        return Lease(session, max(1.0, (expires - datetime.now(UTC)).total_seconds()))


def _card(answer: Document) -> Document:
    card: dict[str, Any] = {
        "hopLe": answer["maKetQua"] == VALID,
        "maKetQua": answer["maKetQua"],
        "ghiChu": answer.get("ghiChu") or "",
        "maTheBhyt": answer.get("maThe"),
        "hoVaTen": answer.get("hoTen"),
        "ngaySinh": _date(answer.get("ngaySinh")),
        "gioiTinh": SEX.get(answer.get("gioiTinh") or ""),
        "diaChi": answer.get("diaChi"),
        "giaTriTu": _date(answer.get("gtTheTu")),
        "giaTriDen": _date(answer.get("gtTheDen")),
        "noiDangKyBanDau": answer.get("maDKBD"),
        "coQuanBhxh": answer.get("cqBHXH"),
        "maKhuVuc": answer.get("maKV"),
        "ngayDu5Nam": _date(answer.get("ngayDu5Nam")),
        "maSoBhxh": answer.get("maSoBHXH"),
        "maTheCu": answer.get("maTheCu"),
        "maTheMoi": answer.get("maTheMoi"),
        "giaTriTuMoi": _date(answer.get("gtTheTuMoi")),
        "giaTriDenMoi": _date(answer.get("gtTheDenMoi")),
    }
    kept = {field: value for field, value in card.items() if value not in (None, "")}
    return {"ghiChu": "", **kept}


def _date(text: str | None) -> str | None:
    return iso(text, DATES) if text else None


def _participation(answer: Document) -> Document:
    periods = answer.get("quaTrinh")
    found = [_period(period) for period in periods if isinstance(period, dict)] if isinstance(periods, list) else []
    participation: dict[str, Any] = {
        "maSoBhxh": answer.get("maSoBHXH"),
        "hoVaTen": answer.get("hoTen"),
        "ngaySinh": _date(answer.get("ngaySinh")),
        "trangThai": "DANG_THAM_GIA" if answer.get("trangThai") == "1" else "DA_DUNG",
        "tongSoThang": answer.get("tongSoThang"),
        "quaTrinh": found,
    }
    return {field: value for field, value in participation.items() if value is not None}


def _period(period: dict[str, Any]) -> Document:
    months = {
        "tuThang": _month(str(period.get("tuThang", ""))),
        "denThang": _month(str(period.get("denThang", ""))),
        "maSoDoanhNghiep": period.get("maSoThue"),
        "donVi": period.get("donVi"),
        "mucLuong": period.get("mucLuong"),
    }
    return {field: value for field, value in months.items() if value is not None}


def _month(text: str) -> str:
    return iso("01/" + text, DATES)[:7]
