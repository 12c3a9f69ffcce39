"""Plays the national enterprise registry: two headers, a token endpoint, errors with HTTP 200."""

import base64
import binascii
import secrets
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from lgsp_adapters.sandbox.fault_injection import Faults

TOKEN_LIFE = 3600


class EnterpriseRegistryServer:
    """The server. `credentials` holds access-key and secret-key."""

    def __init__(self, database: sqlite3.Connection, credentials: Mapping[str, str]) -> None:
        self._database = database
        self._credentials = credentials
        self._tokens: dict[str, float] = {}

    def app(self) -> web.Application:
        """The HTTP application."""
        app = web.Application()
        Faults(self._tokens.clear).install(app)
        app.router.add_post("/token", self._token)
        app.router.add_post("/dkdn/chiTietDoanhNghiep", self._enterprise)
        return app

    async def _token(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return _error("101", "Invalid access key")
        if (await request.post()).get("grant_type") != "client_credentials":
            return _error("102", "Unsupported grant type")
        token = secrets.token_urlsafe(24)
        self._tokens[token] = time.monotonic() + TOKEN_LIFE
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE})

    async def _enterprise(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return _error("101", "Invalid access key")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, 0) < time.monotonic():
            return _error("900901", "Invalid Credentials")
        try:
            code = str((await request.json())["msdn"])
        except (ValueError, KeyError, TypeError):
            return _error("400", "msdn is missing")
        row = self._database.execute("SELECT record FROM enterprise WHERE code = ?", (code,)).fetchone()
        if row is None:
            return _error("404", "Không tìm thấy doanh nghiệp")
        return web.Response(body=row[0].encode(), content_type="application/json")

    def _knows(self, request: web.Request) -> bool:
        try:
            keys: dict[str, Any] = orjson.loads(base64.b64decode(request.headers.get("lgspaccesstoken", "")))
        except (binascii.Error, ValueError):
            return False
        return (
            keys.get("AccessKey") == self._credentials["access-key"]
            and keys.get("SecretKey") == self._credentials["secret-key"]
            and all(name in keys for name in ("AppName", "PartnerCode", "PartnerCodeCus"))
        )


def _error(code: str, message: str) -> web.Response:
    return web.json_response({"error_code": code, "message": message})
