"""A service whose documents carry files, and a bus that has it."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from support.workbench import ALL, CONTRACTS, TEXT, Got, Workbench, grant

SERVICE = "filings"
MISSING = "/files/01a2b3c4-0000-7000-8000-00000000abcd"
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00\xb8\x00\x00\x00"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

_ATTACHMENT = {
    "type": "string",
    "format": "file-reference",
    "x-lgsp-file": {"mediaTypes": ["application/pdf", "text/plain", "application/octet-stream"], "maxSize": "2GiB"},
}
_SMALL = {"type": "string", "format": "file-reference", "x-lgsp-file": {"mediaTypes": ["image/*"], "maxSize": "1KiB"}}

CONTRACT: dict[str, Any] = {
    "service": SERVICE,
    "version": "1.0.0",
    "title": TEXT,
    "provider": "provider",
    "classification": "internal",
    "operations": {
        "submit": {
            "title": TEXT,
            "timeout": "5s",
            "idempotent": True,
            "request": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "tieuDe": {"type": "string", "maxLength": 200},
                    "tep": {"type": "array", "items": {"anyOf": [{"type": "null"}, _ATTACHMENT]}},
                    "anh": _SMALL,
                },
            },
            "response": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"ketQua": {"type": "string"}, "bienNhan": _ATTACHMENT, "noiBo": _ATTACHMENT},
            },
            "example": {"request": {"tep": [MISSING]}, "response": {"ketQua": "DA_NHAN"}},
        }
    },
}
GRANTS = [
    grant("alpha-filings", "alpha", SERVICE, submit=["/ketQua", "/bienNhan"]),
    {**grant("beta-filings", "beta", SERVICE, submit=ALL)},
]
GRANTS[1]["spec"]["files"] = {"mediaTypes": ["application/pdf"], "maxSize": "1MiB"}


class Filings(Workbench):
    """A bus with that service; `alpha` and `beta` may call it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, contracts=[*CONTRACTS, CONTRACT], documents=GRANTS)

    def authorized(self, system: str = "alpha", **headers: str) -> dict[str, str]:
        """Return the headers of a system's request."""
        return {
            "Authorization": f"Bearer {self.token(system)}",
            "Accept-Language": "en",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }

    def tus(self, system: str = "alpha", **headers: str) -> dict[str, str]:
        """Return the headers of a request that speaks tus."""
        return self.authorized(system, Tus_Resumable="1.0.0", **headers)

    async def ask(self, method: str, path: str, data: Any = None, headers: dict[str, str] | None = None) -> Got:
        """Send a request and read the answer."""
        async with self.session.request(method, path, data=data, headers=headers or self.authorized()) as answer:
            return Got(answer.status, await answer.read(), answer.headers)

    async def upload(
        self, content: bytes, media_type: str = "application/pdf", name: str = "don.pdf", *, system: str = "alpha"
    ) -> Got:
        """Upload a file in one request."""
        headers = self.authorized(system, Content_Type=media_type)
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return await self.ask("POST", "/files", content, headers)

    async def begin(self, size: int, system: str = "alpha", **metadata: str) -> str:
        """Begin an upload by tus; return its path."""
        pairs = {"filename": "don.pdf", "filetype": "application/pdf", **metadata}
        encoded = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
        headers = self.tus(system, Upload_Length=str(size), Upload_Metadata=encoded)
        got = await self.ask("POST", "/files", headers=headers)
        assert got.status == 201, got.body
        return got.headers["Location"]

    async def send(self, path: str, offset: int, content: Any, system: str = "alpha", **headers: str) -> Got:
        """Send a part of an upload."""
        sent = self.tus(system, Upload_Offset=str(offset), Content_Type="application/offset+octet-stream", **headers)
        return await self.ask("PATCH", path, content, sent)

    async def offset(self, path: str, system: str = "alpha") -> int:
        """Ask how far an upload is."""
        return int((await self.ask("HEAD", path, headers=self.tus(system))).headers["Upload-Offset"])


def sha256(content: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def pdf(size: int) -> bytes:
    """Return a file of some bytes that begins as a PDF does, and that nothing compresses to the same."""
    filler = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(size // 32 + 1))
    return (PDF + filler)[:size]
