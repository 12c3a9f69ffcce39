"""Plays the systems of the province's own offices: a health record system behind OAuth 2, a student record system behind basic
authentication with pages, two databases, which are files here, and a folder into which an office puts its register.
"""

import csv
import os
import secrets
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

from aiohttp import encode_basic_auth, web

from lgsp_adapters.sandbox import offices, people
from lgsp_adapters.sandbox.fault_injection import Faults

TOKEN_LIFE = 3600
PAGE = 20


class ProvincialServer:
    """The server. `credentials` holds client, secret, user and password."""

    def __init__(self, folder: Path, credentials: Mapping[str, str]) -> None:
        self._credentials = credentials
        self._province = people.make()
        self._tokens: dict[str, float] = {}
        for service, tables in offices.tables(self._province).items():
            _make(folder / f"{service}.sqlite", tables)
        _drop(folder / "construction-permits" / "permits.csv", offices.permits(self._province))

    def app(self) -> web.Application:
        """The HTTP application."""
        app = web.Application()
        Faults(self._tokens.clear).install(app)
        app.router.add_post("/oauth2/token", self._token)
        app.router.add_get("/api/patients/{number}/summary", self._patient)
        app.router.add_get("/results", self._results)
        return app

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if (form.get("client_id"), form.get("client_secret")) != (
            self._credentials["client"],
            self._credentials["secret"],
        ):
            return web.json_response({"error": "invalid_client"}, status=401)
        token = secrets.token_urlsafe(24)
        self._tokens[token] = time.monotonic() + TOKEN_LIFE
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE})

    async def _patient(self, request: web.Request) -> web.Response:
        if self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), 0) < time.monotonic():
            return web.json_response({"message": "unauthorized"}, status=401)
        citizen = self._province.citizens.get(request.match_info["number"])
        if citizen is None:
            return web.json_response({"message": "no such patient"}, status=404)
        return web.json_response(offices.patient(citizen))

    async def _results(self, request: web.Request) -> web.Response:
        login = encode_basic_auth(self._credentials["user"], self._credentials["password"])
        if not secrets.compare_digest(request.headers.get("Authorization", "").encode(), login.encode()):
            return web.json_response({"message": "unauthorized"}, status=401)
        citizen = self._province.citizens.get(request.query.get("pupil", ""))
        if citizen is None or citizen.born.year < 2006:
            return web.json_response({"message": "no such pupil"}, status=404)
        results, start = offices.results(citizen, request.query.get("year", "")), int(request.query.get("cursor", 0))
        following = start + PAGE if start + PAGE < len(results) else None
        return web.json_response({"results": results[start : start + PAGE], "next": following})


def _make(path: Path, tables: list[offices.Table]) -> None:
    """Write to another name and rename: a database is complete or absent."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    connection = sqlite3.connect(unfinished)
    with connection:
        for table in tables:
            connection.execute(table.create)
            if table.rows:
                connection.executemany(f"INSERT INTO {table.name} VALUES ({','.join('?' * table.width)})", table.rows)  # noqa: S608
        if path.stem == "land-parcels":
            connection.execute("CREATE INDEX by_sheet ON thua_dat (ma_xa, so_to, so_thua)")
            connection.execute("CREATE INDEX by_owner ON chu_su_dung (so_dinh_danh)")
            connection.execute("CREATE INDEX by_parcel ON chu_su_dung (thua_dat_id)")
    connection.close()
    unfinished.rename(path)


def _drop(path: Path, rows: list[tuple[str, ...]]) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([offices.PERMIT_HEADING, *rows])
    last_night = time.time() - 3600
    os.utime(unfinished, (last_night, last_night))
    unfinished.rename(path)
