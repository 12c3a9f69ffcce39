"""Plays the national e-document axis (VXP) as its SDK 2.0 speaks to it.

Parameters are headers `XroadVnpt-…` with a signature over them; a document is a multipart part with its digest and length. What a real axis
verifies is verified here: signature, time, digest, length, that sender and receivers are registered, and that the edXML names the same sender.
Agencies of the province are registered by its system; G01 and G12 are there from the start, and stand for the rest of the country:

POST /_sandbox/documents   an edXML from outside, to whoever it names in the province; ?from=CODE for another sender than it names
GET  /_sandbox/documents   what the axis keeps, without contents; ?content=ID for that of one document
"""

import base64
import datetime
import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web

from lgsp_adapters.edxml.message import EdxmlMessage, InvalidEdxmlError, children, text_of
from lgsp_adapters.errors import AdapterError
from lgsp_adapters.sandbox.fault_injection import Faults
from lgsp_contracts.time_zone import VIETNAM

PREFIX = "XroadVnpt-"
MAX_BYTES = 96 * 1024 * 1024
MAX_CLOCK_SKEW = datetime.timedelta(minutes=10)
CLIENT = "client"
"""Marks the agencies that the province's system registered, whatever its systemid is now."""
OUTSIDE = {"G01": "Bộ Công an", "G12": "Bộ Tài chính"}
_OK = {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Thanh cong"}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS agencies (code TEXT PRIMARY KEY, id TEXT, pid TEXT, name TEXT, mail TEXT, system TEXT);
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY, sent_id TEXT, message_type TEXT, sender TEXT, receiver TEXT, title TEXT, notation TEXT,
    created TEXT, updated TEXT, status TEXT, content BLOB);
"""


class _RefusedError(AdapterError):
    """The axis refuses a request, with one of its codes."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


class DocumentAxisServer:
    """The server. `credentials` holds systemid and secret."""

    def __init__(self, folder: Path, credentials: Mapping[str, str]) -> None:
        self._system = credentials["systemid"]
        self._secret = credentials["secret"].encode()
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / "document-axis.sqlite", isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.executescript(_SCHEMA)
        for code, name in OUTSIDE.items():
            self._database.execute(
                "INSERT OR IGNORE INTO agencies VALUES (?, ?, '', ?, '', '')", (code, secrets.token_hex(8), name)
            )

    def app(self) -> web.Application:
        """The HTTP application."""
        app = web.Application(client_max_size=MAX_BYTES)
        Faults(lambda: None).install(app)
        for name, answer in {
            "getAgenciesList": self._list_agencies,
            "getSynchronizeUnit": self._list_agencies,
            "registerAgency": self._register,
            "deleteAgency": self._delete,
            "sendEdoc": self._send,
            "getReceivedEdocList": self._list_received,
            "getSentEdocList": self._list_sent,
            "getEdoc": self._get,
            "updateStatus": self._update,
        }.items():
            app.router.add_post(f"/{name}", self._guarded(answer))
        app.router.add_post("/_sandbox/documents", self._bring)
        app.router.add_get("/_sandbox/documents", self._show)
        return app

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: web.Request) -> web.Response:
            try:
                parameters = self._verified(request.headers)
                return web.json_response({**_OK, **await answer(request, parameters)})
            except _RefusedError as refused:
                return web.json_response({"status": "FAIL", "ErrorCode": refused.code, "ErrorDesc": str(refused)})

        return guarded

    def _verified(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters of a request whose signature covers all of them, is right and of now."""
        signed = headers.get(f"{PREFIX}sign-header", "")
        expected = hmac.digest(self._secret, signed.encode(), "sha256").hex()
        if not hmac.compare_digest(expected, headers.get(f"{PREFIX}hash-header", "").lower()):
            raise _RefusedError("15", "Sai chu ky")
        names = headers.get(f"{PREFIX}sign-header-key", "").split(";")
        parameters = {name: headers.get(PREFIX + name, "") for name in names}
        unsigned = {"sign-header", "sign-header-key", "hash-header", "version"}
        sent = {name[len(PREFIX) :].lower() for name in headers if name.lower().startswith(PREFIX.lower())}
        try:
            is_whole = json.loads(signed) == {PREFIX + name: value for name, value in parameters.items()}
        except ValueError as error:
            raise _RefusedError("15", "Sai chu ky") from error
        if not is_whole or sent - {name.lower() for name in names} - unsigned:
            raise _RefusedError("15", "Chu ky khong phu het tham so")
        if parameters.get("systemid") != self._system:
            raise _RefusedError("15", "Sai systemid")
        if abs(_time(parameters.get("timestamp", "")) - datetime.datetime.now(VIETNAM)) > MAX_CLOCK_SKEW:
            raise _RefusedError("18", "Qua thoi gian")
        return parameters

    async def _list_agencies(self, _: web.Request, __: Mapping[str, str]) -> dict[str, Any]:
        rows = self._database.execute("SELECT id, pid, code, name, mail FROM agencies ORDER BY code")
        return {"data": [dict(row) for row in rows]}

    async def _register(self, request: web.Request, _: Mapping[str, str]) -> dict[str, Any]:
        agency = await request.json()
        if not agency.get("code") or not agency.get("name"):
            raise _RefusedError("19", "Thieu ma hoac ten don vi")
        values = (
            agency["code"],
            agency.get("id") or secrets.token_hex(8),
            agency.get("pid") or agency.get("pcode", ""),
        )
        self._database.execute(
            "INSERT OR REPLACE INTO agencies VALUES (?, ?, ?, ?, ?, ?)",
            (*values, agency["name"], agency.get("mail", ""), CLIENT),
        )
        return {}

    async def _delete(self, request: web.Request, _: Mapping[str, str]) -> dict[str, Any]:
        code = (await request.json()).get("AgencyCode", "")
        self._database.execute("DELETE FROM agencies WHERE code = ? AND system = ?", (code, CLIENT))
        return {}

    async def _send(self, request: web.Request, parameters: Mapping[str, str]) -> dict[str, Any]:
        content = await _part(request, "file_doc")
        if parameters.get("contentSha256", "").lower() != hashlib.sha256(content).hexdigest():
            raise _RefusedError("20", "Sai contentSha256")
        if parameters.get("contentLength") != str(len(content)):
            raise _RefusedError("20", "Sai contentLength")
        if parameters.get("servicetype") != "eDoc" or parameters.get("messagetype") not in ("edoc", "status"):
            raise _RefusedError("21", "Sai servicetype hoac messagetype")
        sender, receivers = parameters.get("from", ""), _receivers(parameters.get("to", ""))
        if not self._is_registered(sender, CLIENT):
            raise _RefusedError("22", "Don vi gui chua dang ky")
        for receiver in receivers:
            if not self._is_registered(receiver, None):
                raise _RefusedError("22", "Don vi nhan chua dang ky")
        if _organ(content, "From") != sender:
            raise _RefusedError("23", "From trong edXML khac noi gui")
        return {"DocId": self._keep(parameters["messagetype"], sender, receivers, content)}

    async def _list_received(self, _: web.Request, parameters: Mapping[str, str]) -> dict[str, Any]:
        rows = self._database.execute(
            "SELECT documents.* FROM documents JOIN agencies ON agencies.code = receiver"
            " WHERE system = ? AND message_type = ? AND status = 'initial' ORDER BY created, documents.rowid LIMIT ? OFFSET ?",
            (CLIENT, parameters.get("messagetype", ""), *_page(parameters)),
        )
        return {
            "data": [
                {
                    "docId": row["id"],
                    "serviceType": "eDoc",
                    "messageType": row["message_type"],
                    "created_time": row["created"],
                    "updated_time": row["updated"],
                    "from": row["sender"],
                    "to": row["receiver"],
                    "status": row["status"],
                    "status_desc": "",
                }
                for row in rows
            ]
        }

    async def _list_sent(self, _: web.Request, parameters: Mapping[str, str]) -> dict[str, Any]:
        rows = self._database.execute(
            "SELECT documents.* FROM documents JOIN agencies ON agencies.code = sender"
            " WHERE system = ? AND message_type = ? ORDER BY documents.rowid DESC LIMIT ? OFFSET ?",
            (CLIENT, parameters.get("messagetype", ""), *_page(parameters)),
        )
        return {
            "data": [
                {
                    "serviceType": "eDoc",
                    "messageType": row["message_type"],
                    "senderDocId": row["sent_id"],
                    "receiverDocId": row["id"],
                    "fromCode": row["sender"],
                    "toCode": row["receiver"],
                    "title": row["title"],
                    "notation": row["notation"],
                    "sentTime": row["created"],
                    "receivedTime": row["updated"] if row["status"] == "done" else "",
                    "sendStatus": "done",
                    "sendStatusDesc": "",
                    "receiveStatus": row["status"],
                    "receiveStatusDesc": "",
                }
                for row in rows
            ]
        }

    async def _get(self, _: web.Request, parameters: Mapping[str, str]) -> dict[str, Any]:
        row = self._received(parameters.get("docId", ""))
        return {"data": base64.b64encode(row["content"]).decode()}

    async def _update(self, _: web.Request, parameters: Mapping[str, str]) -> dict[str, Any]:
        row = self._received(parameters.get("docid", ""))
        if parameters.get("status") not in ("done", "fail"):
            raise _RefusedError("21", "Sai status")
        self._database.execute(
            "UPDATE documents SET status = ?, updated = ? WHERE id = ?", (parameters["status"], _now(), row["id"])
        )
        return {}

    async def _bring(self, request: web.Request) -> web.Response:
        content = await request.read()
        receivers = [_organ(content, "To", number) for number in range(_count(content, "To"))]
        sender = request.query.get("from") or _organ(content, "From")
        message_type = "edoc" if receivers else "status"
        receivers = receivers or [_organ(content, "ResponseFor")]
        return web.json_response({"DocId": self._keep(message_type, sender, receivers, content)})

    async def _show(self, request: web.Request) -> web.Response:
        if "content" in request.query:
            row = self._database.execute(
                "SELECT content FROM documents WHERE id = ?", (request.query["content"],)
            ).fetchone()
            return web.Response(body=row["content"] if row else b"", content_type="application/xml")
        shown = "id, sent_id, message_type, sender, receiver, title, notation, status"
        rows = self._database.execute(f"SELECT {shown} FROM documents ORDER BY rowid")  # noqa: S608 - constant
        return web.json_response([dict(row) for row in rows])

    def _keep(self, message_type: str, sender: str, receivers: list[str], content: bytes) -> str:
        sent, now = secrets.token_hex(16), _now()
        title, notation = _title_and_notation(content)
        for receiver in receivers:
            row = (secrets.token_hex(16), sent, message_type, sender, receiver, title, notation, now, now, "initial")
            self._database.execute(f"INSERT INTO documents VALUES ({','.join('?' * 11)})", (*row, content))  # noqa: S608
        return sent

    def _received(self, id: str) -> sqlite3.Row:  # noqa: A002 - as the axis names it
        row: sqlite3.Row | None = self._database.execute(
            "SELECT documents.* FROM documents JOIN agencies ON agencies.code = receiver WHERE documents.id = ? AND system = ?",
            (id, CLIENT),
        ).fetchone()
        if row is None:
            raise _RefusedError("10", "Khong co van ban nay")
        return row

    def _is_registered(self, code: str, system: str | None) -> bool:
        row = self._database.execute("SELECT system FROM agencies WHERE code = ?", (code,)).fetchone()
        return row is not None and system in (None, row["system"])


async def _part(request: web.Request, name: str) -> bytes:
    if not request.content_type.startswith("multipart/"):
        raise _RefusedError("20", "Thieu file_doc")
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == name:
            return bytes(await part.read())
    raise _RefusedError("20", "Thieu file_doc")


def _receivers(text: str) -> list[str]:
    try:
        receivers = json.loads(text)
    except ValueError as error:
        raise _RefusedError("21", "to khong phai JSON") from error
    if not isinstance(receivers, list) or not receivers:
        raise _RefusedError("21", "to khong phai danh sach")
    return [str(receiver) for receiver in receivers]


def _page(parameters: Mapping[str, str]) -> tuple[int, int]:
    size = min(int(parameters.get("pageSize") or 20), 100)
    return size, size * (max(int(parameters.get("pageIndex") or 1), 1) - 1)


def _time(text: str) -> datetime.datetime:
    try:
        return datetime.datetime.strptime(text[:15], "%d%m%YT%H%M%S").replace(tzinfo=VIETNAM)
    except ValueError as error:
        raise _RefusedError("18", "Sai timestamp") from error


def _now() -> str:
    return datetime.datetime.now(VIETNAM).strftime("%d/%m/%Y %H:%M:%S")


def _header(content: bytes) -> Any:
    try:
        return EdxmlMessage.parse(content).header()
    except InvalidEdxmlError as error:
        raise _RefusedError("23", "Khong phai edXML") from error


def _count(content: bytes, tag: str) -> int:
    return len(children(_header(content), tag))


def _organ(content: bytes, tag: str, number: int = 0) -> str:
    organs = children(_header(content), tag)
    codes = children(organs[number], "OrganId") if len(organs) > number else []
    return text_of(codes[0]) if codes else ""


def _title_and_notation(content: bytes) -> tuple[str, str]:
    header = _header(content)
    title = next((text_of(element) for element in children(header, "Subject")), "")
    parts = [text_of(part) for code in children(header, "Code") for part in code]
    return title, "/".join(part for part in parts if part)
