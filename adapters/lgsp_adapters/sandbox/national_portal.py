"""Plays the National Public Service Portal behind the adapter of the national axis: a login, and one POST for everything.

    POST /mapi/login   {username, password} → {session, error_code: 0}
    POST /mapi/g       header dstcode; {session, madonvi, service, isUpdating, data: […]} → {error_code, message}

`DongBoHoSoMC` takes a batch whole or not at all. Without isUpdating it answers 3 where some of the dossiers exist and -3 where all do; with it
they are replaced, and those that are new are added. `CapNhatTienDoHoSoMC` adds steps of dossiers that exist. What the real one answers an expired
session is not known; here it is 401.

GET /_sandbox/dossiers   what the portal has: each dossier with its steps, and how often it was written
"""

import json
import re
import secrets
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from lgsp_adapters.sandbox.fault_injection import Faults

MAX_BATCH = 100
_TIME = re.compile(r"\d{14}")
_STATES = {str(number) for number in range(1, 11)}
_REQUIRED = (
    *("MaHoSo", "MaTTHC", "TenTTHC", "MaLinhVuc", "TenLinhVuc", "ChuHoSo", "LoaiDoiTuong", "NgayNopHoSo"),
    *("TrangThaiHoSo", "HinhThuc", "DonViXuLy", "NoiNopHoSo", "HoSoCoThanhPhanSoHoa", "DuocThanhToanTrucTuyen"),
)
_TIMES = ("NgayNopHoSo", "NgayTiepNhan", "NgayHenTra", "NgayKetThucXuLy", "NgayTra", "NgayTuChoi")
_STEP_REQUIRED = ("MaHoSo", "NguoiXuLy", "ChucDanh", "ThoiDiemXuLy", "TrangThai")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS dossiers (code TEXT PRIMARY KEY, document TEXT, written INTEGER DEFAULT 1);
CREATE TABLE IF NOT EXISTS steps (code TEXT, at TEXT, document TEXT, PRIMARY KEY (code, at, document));
"""


class NationalPortalServer:
    """The server. `credentials` holds username and password."""

    def __init__(self, folder: Path, credentials: Mapping[str, str]) -> None:
        self._credentials = dict(credentials)
        self._sessions: set[str] = set()
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / "national-portal.sqlite", isolation_level=None)
        self._database.executescript(_SCHEMA)

    def app(self) -> web.Application:
        """The HTTP application."""
        app = web.Application(client_max_size=16 * 1024 * 1024)
        Faults(self._sessions.clear).install(app)
        app.router.add_post("/mapi/login", self._login)
        app.router.add_post("/mapi/g", self._serve)
        app.router.add_get("/_sandbox/dossiers", self._show)
        return app

    async def _login(self, request: web.Request) -> web.Response:
        given = await _document(request)
        if any(given.get(name) != value for name, value in self._credentials.items()):
            return _answer("1", "Sai tên đăng nhập hoặc mật khẩu")
        session = secrets.token_urlsafe(18)
        self._sessions.add(session)
        return web.json_response({"session": session, "error_code": 0})

    async def _serve(self, request: web.Request) -> web.Response:
        given = await _document(request)
        if not request.headers.get("dstcode", "").startswith("VN:GOV:"):
            return _answer("6", "Thiếu dstcode")
        if given.get("session") not in self._sessions:
            return _answer("401", "Phiên làm việc không hợp lệ")
        data = given.get("data")
        if not given.get("madonvi") or not isinstance(data, list) or not 0 < len(data) <= MAX_BATCH:
            return _answer("2", "Dữ liệu không hợp lệ")
        if given.get("service") == "DongBoHoSoMC":
            return self._synchronize(data, is_updating=given.get("isUpdating") == "True")
        if given.get("service") == "CapNhatTienDoHoSoMC":
            return self._add_steps(data)
        return _answer("4", "Không có dịch vụ này")

    def _synchronize(self, data: list[Any], *, is_updating: bool) -> web.Response:
        if not all(map(_is_dossier, data)):
            return _answer("2", "Dữ liệu không hợp lệ")
        existing = [dossier for dossier in data if self._exists(dossier["MaHoSo"])]
        if existing and not is_updating:
            return _answer("-3" if len(existing) == len(data) else "3", "Hồ sơ đã tồn tại")
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany(
                "INSERT INTO dossiers (code, document) VALUES (?, ?) ON CONFLICT (code) DO UPDATE"
                " SET document = excluded.document, written = written + 1",
                [(dossier["MaHoSo"], json.dumps(dossier, ensure_ascii=False)) for dossier in data],
            )
        return _answer("0", "Thành công")

    def _add_steps(self, data: list[Any]) -> web.Response:
        if not all(map(_is_step, data)):
            return _answer("2", "Dữ liệu không hợp lệ")
        if not all(self._exists(step["MaHoSo"]) for step in data):
            return _answer("7", "Hồ sơ chưa được đồng bộ")
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany(
                "INSERT OR IGNORE INTO steps VALUES (?, ?, ?)",
                [(step["MaHoSo"], step["ThoiDiemXuLy"], json.dumps(step, ensure_ascii=False)) for step in data],
            )
        return _answer("00", "Thành công")

    def _exists(self, code: str) -> bool:
        return self._database.execute("SELECT 1 FROM dossiers WHERE code = ?", (code,)).fetchone() is not None

    async def _show(self, _: web.Request) -> web.Response:
        found = {}
        for code, document, written in self._database.execute("SELECT code, document, written FROM dossiers"):
            steps = self._database.execute("SELECT document FROM steps WHERE code = ? ORDER BY at", (code,))
            found[code] = {
                "dossier": json.loads(document),
                "written": written,
                "steps": [json.loads(step) for (step,) in steps],
            }
        return web.json_response(found)


def _is_dossier(dossier: Any) -> bool:
    return (
        isinstance(dossier, dict)
        and all(isinstance(dossier.get(name), str) and dossier[name] for name in _REQUIRED)
        and dossier["TrangThaiHoSo"] in _STATES
        and all(_TIME.fullmatch(dossier[name]) for name in _TIMES if dossier.get(name))
    )


def _is_step(step: Any) -> bool:
    return (
        isinstance(step, dict)
        and all(isinstance(step.get(name), str) and step[name] for name in _STEP_REQUIRED)
        and step["TrangThai"] in _STATES
        and _TIME.fullmatch(step["ThoiDiemXuLy"]) is not None
    )


def _answer(code: str, message: str) -> web.Response:
    return web.json_response({"error_code": code, "message": message})


async def _document(request: web.Request) -> dict[str, Any]:
    try:
        document = await request.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
