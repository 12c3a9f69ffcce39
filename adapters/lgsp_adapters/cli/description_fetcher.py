"""Downloads the description of a system, with the documents that it refers to, for the commands that draft from it.

Only from where the user said: the origin of the address given on the command line, and the hosts that the command allows. Redirects keep to the
same rule. HTTP Basic credentials are sent to the first origin alone.
"""

import asyncio
import ssl
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import aiohttp

from lgsp_adapters.upstream.tls import TlsContexts
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal

MAX_BYTES = 8 * 1024 * 1024
"""Size in bytes of all documents of a description together."""
MAX_DOCUMENTS = 64
MAX_REDIRECTS = 5
SECONDS = 30.0
"""For all documents of a description."""
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Access:
    """What opens the server of a description.

    Args:
        ca: PEM file with further certificate authorities to trust.
        credentials: user and password for HTTP Basic.
        allowed_hosts: `HOST` or `HOST:PORT` of other servers that may be asked.
    """

    ca: Path | None = None
    credentials: tuple[str, str] | None = None
    allowed_hosts: Sequence[str] = ()


def is_url(name: str) -> bool:
    """Tell whether a name is an address to download from, and no file."""
    return urlsplit(name).scheme in _PORTS


def download(root: str, access: Access, references: Callable[[bytes, str], Iterable[str]]) -> Mapping[str, bytes]:
    """Download a document and those that it refers to, directly and indirectly.

    Args:
        root: the address of the first document.
        references: returns the addresses that a document, downloaded from an address, refers to.

    Returns:
        The documents by their addresses, the first one first.

    Raises:
        Refusal: `invalid-document`, when a document cannot be downloaded, lies where nobody allowed it, or is too large.
    """
    return asyncio.run(_Download(root, access, references).run())


class _Download:
    def __init__(self, root: str, access: Access, references: Callable[[bytes, str], Iterable[str]]) -> None:
        self._root = root
        self._access = access
        self._references = references
        self._left = MAX_BYTES
        parts = urlsplit(root)
        if parts.username is not None or parts.password is not None:
            raise _refusal(
                "không viết mật khẩu vào địa chỉ; hãy dùng --credentials",
                "do not write a password into the address; use --credentials",
            )

    async def run(self) -> Mapping[str, bytes]:
        files = {"ca": str(self._access.ca)} if self._access.ca else {}
        contexts = TlsContexts(files, Path(), SourceLocation("--ca"))
        context = contexts.for_address(self._root) or ssl.create_default_context()
        address = self._root
        documents: dict[str, bytes] = {}
        waiting = [self._root]
        try:
            async with asyncio.timeout(SECONDS), aiohttp.ClientSession() as session:
                while waiting:
                    address = waiting.pop()
                    if address in documents:
                        continue
                    if len(documents) == MAX_DOCUMENTS:
                        raise _refusal(
                            f"có hơn {MAX_DOCUMENTS} tài liệu", f"there are more than {MAX_DOCUMENTS} documents"
                        )
                    documents[address] = await self._get(session, address, context)
                    waiting += sorted(self._references(documents[address], address), reverse=True)
        except TimeoutError as error:
            raise _refusal(
                f"không tải xong trong {SECONDS:.0f} giây", f"it did not arrive within {SECONDS:.0f} seconds"
            ) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:  # an address that is none is a ValueError
            raise _refusal(
                f"không tải được {address}: {type(error).__name__}; hãy kiểm tra địa chỉ, hoặc --ca nếu chứng chỉ do tổ chức riêng cấp",
                f"{address} cannot be downloaded: {type(error).__name__}; check the address, or use --ca if a private authority issued the certificate",
            ) from error
        return documents

    async def _get(self, session: aiohttp.ClientSession, address: str, context: ssl.SSLContext) -> bytes:
        target = address
        for _ in range(MAX_REDIRECTS + 1):
            self._refuse_other_hosts(target)
            own = _origin(target) == _origin(self._root)
            authentication = (
                aiohttp.BasicAuth(*self._access.credentials, encoding="utf-8")
                if own and self._access.credentials
                else None
            )
            headers = {"Authorization": authentication.encode()} if authentication else {}
            async with session.get(target, headers=headers, allow_redirects=False, ssl=context) as response:
                if response.status in _REDIRECTS and "Location" in response.headers:
                    target = urljoin(target, response.headers["Location"])
                    continue
                if not response.ok:
                    hint = "; use --credentials" if response.status in (401, 403) else "; check the address"
                    raise _refusal(
                        f"{target} trả lời HTTP {response.status}", f"{target} answers HTTP {response.status}{hint}"
                    )
                return await self._read(response, target)
        raise _refusal(f"{address} chuyển hướng quá nhiều lần", f"{address} redirects too often")

    async def _read(self, response: aiohttp.ClientResponse, address: str) -> bytes:
        content = bytearray()
        async for chunk in response.content.iter_chunked(64 * 1024):
            content += chunk
            self._left -= len(chunk)
            if self._left < 0:
                raise _refusal(f"{address} quá lớn", f"{address} is too large; save the description and name the file")
        return bytes(content)

    def _refuse_other_hosts(self, address: str) -> None:
        origin, host = _origin(address), urlsplit(address).hostname or ""
        allowed: Collection[str] = {name.lower() for name in self._access.allowed_hosts}
        if origin is None or not (origin == _origin(self._root) or {host, f"{host}:{origin[2]}"} & set(allowed)):
            name = urlsplit(address).netloc.rpartition("@")[2] or address
            raise _refusal(
                f"tài liệu dẫn tới máy chủ khác, {name}; nếu đúng là cần, hãy thêm --allow-host {name}",
                f"the description leads to another server, {name}; if that is intended, add --allow-host {name}",
            )


def _origin(address: str) -> tuple[str, str, int] | None:
    parts = urlsplit(address)
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def _refusal(vi: str, en: str) -> Refusal:
    return Refusal(
        "invalid-document", vi=f"Không tải được bản mô tả: {vi}.", en=f"The description cannot be downloaded: {en}."
    )
