"""Plays the national insurance database: token/take, everything in the query, every outcome with HTTP 200."""

import datetime
import hashlib
import secrets
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from lgsp_adapters.sandbox.fault_injection import Faults
from lgsp_adapters.text.person_names import fold_name

TOKEN_LIFE = 1800
NOTES = {
    "000": "Thông tin thẻ chính xác",
    "010": "Thẻ hết giá trị sử dụng",
    "050": "Không thấy thông tin thẻ BHYT",
    "060": "Thẻ sai họ tên",
    "070": "Thẻ sai ngày sinh",
}


class InsuranceServer:
    """The server. `credentials` holds username and password."""

    def __init__(self, database: sqlite3.Connection, credentials: Mapping[str, str]) -> None:
        self._database = database
        self._user = credentials["username"]
        self._password = hashlib.md5(credentials["password"].encode(), usedforsecurity=False).hexdigest()
        self._tokens: dict[tuple[str, str], float] = {}

    def app(self) -> web.Application:
        """The HTTP application."""
        app = web.Application()
        Faults(self._tokens.clear).install(app)
        app.router.add_post("/api/token/take", self._take)
        app.router.add_post("/api/egw/KQNhanLichSuKCB2024", self._card)
        app.router.add_post("/api/egw/QuaTrinhThamGia", self._participation)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        submitted = await _document(request)
        if submitted.get("username") != self._user or submitted.get("password") != self._password:
            return web.json_response({"maKetQua": "401", "APIKey": None})
        token, id_token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._tokens[token, id_token] = time.monotonic() + TOKEN_LIFE
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=TOKEN_LIFE)
        key = {
            "access_token": token,
            "id_token": id_token,
            "token_type": "Bearer",
            "username": self._user,
            "expires_in": until.isoformat(),
        }
        return web.json_response({"maKetQua": "200", "APIKey": key})

    async def _card(self, request: web.Request) -> web.Response:
        if not self._knows(request.query):
            return web.json_response({"maKetQua": "401", "ghiChu": "Token hết hạn hoặc không hợp lệ"})
        submitted = await _document(request)
        if any(not submitted.get(field) for field in ("maThe", "hoTen", "ngaySinh", "hoTenCb", "cccdCb")):
            return web.json_response({"maKetQua": "205", "ghiChu": "Thiếu thông tin"})
        number = str(submitted["maThe"])[-10:]
        known = self._find(number)
        code = _verdict(known, submitted)
        if known is None or code in ("050", "060", "070"):
            return web.json_response({"maKetQua": code, "ghiChu": NOTES[code]})
        fields = (
            "hoTen",
            "ngaySinh",
            "gioiTinh",
            "diaChi",
            "maDKBD",
            "cqBHXH",
            "gtTheTu",
            "gtTheDen",
            "maKV",
            "ngayDu5Nam",
            "maTheCu",
        )
        card = {"maKetQua": code, "ghiChu": NOTES[code], "maThe": number, "maSoBHXH": number}
        nothing_new = {"maTheMoi": None, "gtTheTuMoi": None, "gtTheDenMoi": None}
        return web.json_response({**card, **{field: known[field] for field in fields}, **nothing_new})

    async def _participation(self, request: web.Request) -> web.Response:
        if not self._knows(request.query):
            return web.json_response({"maKetQua": "401", "ghiChu": "Token hết hạn hoặc không hợp lệ"})
        number = str((await _document(request)).get("maSoBHXH", ""))
        known = self._find(number)
        if known is None:
            return web.json_response({"maKetQua": "404", "ghiChu": "Không có người tham gia"})
        fields = ("hoTen", "ngaySinh", "trangThai", "tongSoThang", "quaTrinh")
        answer = {"maKetQua": "000", "ghiChu": "", "maSoBHXH": number}
        return web.json_response({**answer, **{field: known[field] for field in fields}})

    def _knows(self, query: Mapping[str, str]) -> bool:
        pair = (query.get("token", ""), query.get("id_token", ""))
        who = query.get("username") == self._user and query.get("password") == self._password
        return who and self._tokens.get(pair, 0) > time.monotonic()

    def _find(self, number: str) -> dict[str, Any] | None:
        row = self._database.execute("SELECT record FROM insured WHERE number = ?", (number,)).fetchone()
        return orjson.loads(row[0]) if row else None


def _verdict(known: dict[str, Any] | None, submitted: dict[str, Any]) -> str:
    if known is None:
        return "050"
    if fold_name(known["hoTen"]) != fold_name(str(submitted["hoTen"])):
        return "060"
    if known["ngaySinh"] != submitted["ngaySinh"]:
        return "070"
    until = datetime.datetime.strptime(known["gtTheDen"], "%d/%m/%Y").replace(tzinfo=datetime.UTC)
    return "010" if until < datetime.datetime.now(datetime.UTC) else "000"


async def _document(request: web.Request) -> dict[str, Any]:
    try:
        document = await request.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
