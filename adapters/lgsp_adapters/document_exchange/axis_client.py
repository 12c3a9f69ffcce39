"""The wire of the national e-document axis, as its SDK 2.0 speaks it: parameters in headers, signed with a shared secret."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from lgsp_adapters.adapter import Call, UpstreamFailed
from lgsp_adapters.errors import AdapterError
from lgsp_adapters.upstream import Upstream
from lgsp_adapters.upstream.client import json_object
from lgsp_contracts.time_zone import VIETNAM

MessageType = Literal["edoc", "status"]
PREFIX = "XroadVnpt-"
VERSION = "3.0.201608"
AGENT = "JAVASDKAgent/1.0.0 XRoad/VPCP"
MAX_ANSWER = 96 * 1024 * 1024
"""Bytes of an answer: a document of 64 MiB in base64."""
PAGE = 50
MAX_PAGES = 20
"""Pages of one list that are read in one go; the rest comes with the next."""
SEARCH_DAYS = 30


class AxisRefusedError(AdapterError):
    """The axis answered with an error of its own.

    Args:
        code: `ErrorCode`.
    """

    def __init__(self, path: str, code: str) -> None:
        super().__init__(f"the axis answered {path} with ErrorCode {code}")
        self.code = code


class AxisClient:
    """The axis, for one system that is registered with it.

    Args:
        url: its address.
        system: the `systemid`.
        secret: shared with the axis.
    """

    def __init__(self, url: str, system: str, secret: str) -> None:
        self._url = url
        self._system = system
        self._secret = secret.encode()

    async def open(self) -> None:
        """Get ready to ask."""
        self._upstream = Upstream(self._url, max_answer=MAX_ANSWER)

    async def close(self) -> None:
        """Close the connections."""
        await self._upstream.close()

    async def agencies(self, call: Call) -> list[dict[str, Any]]:
        """List the agencies that are registered.

        Raises:
            UpstreamFailed, UpstreamLate: the axis gives no usable answer.
            AxisRefusedError: it refuses.
        """
        return _rows(await self._ask("/getAgenciesList", call, {}))

    async def register(self, call: Call, code: str, name: str, mail: str = "") -> None:
        """Register an agency; see `agencies` for errors."""
        agency = {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, code)), "pid": "", "code": code, "name": name, "mail": mail}
        await self._ask("/registerAgency", call, {}, {**agency, "mobile": "", "fax": ""})

    async def send(self, call: Call, kind: MessageType, sender: str, receivers: list[str], content: bytes) -> str:
        """Send an edXML message, and return what the axis calls it; see `agencies` for errors."""
        parameters = {
            "servicetype": "eDoc",
            "messagetype": kind,
            "from": sender,
            "to": json.dumps(receivers),
            "contentSha256": hashlib.sha256(content).hexdigest(),
            "contentLength": str(len(content)),
        }
        boundary = uuid.uuid4().hex
        body = b"".join(
            (
                f'--{boundary}\r\nContent-Disposition: form-data; name="file_doc"; filename="document.edxml"\r\n'.encode(),
                b"Content-Type: application/xml\r\n\r\n",
                content,
                f"\r\n--{boundary}--\r\n".encode(),
            )
        )
        answer = await self._post("/sendEdoc", call, parameters, body, f"multipart/form-data; boundary={boundary}")
        identifier = answer.get("DocId") or answer.get("docId")
        if not isinstance(identifier, str) or not identifier:
            raise UpstreamFailed("unintelligible", "the axis named no DocId")
        return identifier

    async def received(self, call: Call, kind: MessageType) -> list[dict[str, str]]:
        """List what waits to be fetched, oldest first; see `agencies` for errors."""
        rows = await self._list("/getReceivedEdocList", call, kind)
        waiting = [row for row in rows if row.get("status", "initial") not in ("done", "fail")]
        return [{**row, "docId": row.get("docId") or row["receiverDocId"]} for row in waiting]

    async def sent(self, call: Call, kind: MessageType) -> list[dict[str, str]]:
        """List what was sent in the last days; see `agencies` for errors."""
        return await self._list("/getSentEdocList", call, kind)

    async def fetch(self, call: Call, identifier: str) -> bytes:
        """Fetch an edXML message; see `agencies` for errors."""
        answer = await self._ask("/getEdoc", call, {"docId": identifier, "filePath": ""})
        try:
            return base64.b64decode(answer["data"], validate=True)
        except (KeyError, TypeError, binascii.Error, ValueError) as error:
            raise UpstreamFailed("unintelligible", "the axis sent no content of a document") from error

    async def mark(self, call: Call, identifier: str, status: Literal["done", "fail"]) -> None:
        """Tell the axis that a message was fetched, or cannot be accepted; see `agencies` for errors."""
        await self._ask("/updateStatus", call, {"docid": identifier, "status": status})

    async def _list(self, path: str, call: Call, kind: MessageType) -> list[dict[str, str]]:
        now = datetime.now(VIETNAM)
        since = (now - timedelta(days=SEARCH_DAYS)).strftime("%d/%m/%Y")
        parameters = {
            "fromDate": since,
            "toDate": (now + timedelta(days=1)).strftime("%d/%m/%Y"),
            "pageSize": str(PAGE),
        }
        rows: dict[str, dict[str, str]] = {}
        for number in range(1, MAX_PAGES + 1):
            about = {**parameters, "pageIndex": str(number), "servicetype": "eDoc", "messagetype": kind}
            page = [
                {key: str(value) for key, value in row.items()} for row in _rows(await self._ask(path, call, about))
            ]
            rows |= {row.get("docId") or row.get("receiverDocId", ""): row for row in page}
            if len(page) < PAGE:
                break
        return [row for identifier, row in rows.items() if identifier]

    async def _ask(
        self, path: str, call: Call, parameters: Mapping[str, str], document: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        return await self._post(path, call, parameters, json.dumps(document or {}).encode(), "application/json")

    async def _post(
        self, path: str, call: Call, parameters: Mapping[str, str], body: bytes, media_type: str
    ) -> dict[str, Any]:
        headers = {**self._signed(parameters), "Content-Type": media_type, "User-Agent": AGENT}
        response = await self._upstream.send("POST", path, call, headers=headers, body=body, display_path=path)
        answer = json_object(response)
        code = str(answer.get("ErrorCode", "0"))
        if answer.get("status", "OK") != "OK" or code not in ("0", "00", ""):
            raise AxisRefusedError(path, code if re.fullmatch(r"[0-9A-Za-z-]{1,10}", code) else "?")
        return answer

    def _signed(self, parameters: Mapping[str, str]) -> dict[str, str]:
        now = datetime.now(VIETNAM)
        stamp = f"{now:%d%m%Y}T{now:%H%M%S}+{now.microsecond // 1000:04}"
        named = {"systemid": self._system, "timestamp": stamp, **parameters}
        headers = {PREFIX + name: value for name, value in named.items()}
        signed = json.dumps(headers, separators=(",", ":"))
        return {
            **headers,
            f"{PREFIX}version": VERSION,
            f"{PREFIX}sign-header-key": ";".join(named),
            f"{PREFIX}sign-header": signed,
            f"{PREFIX}hash-header": hmac.digest(self._secret, signed.encode(), "sha256").hex(),
        }


def _rows(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = answer.get("data") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UpstreamFailed("unintelligible", "the axis sent no list")
    return rows
