"""Refuses a gateway that belongs to another bus, before it has changed anything.

With the keys of another bus nobody's earlier evidence is found by person and no account is recognized; with another public URL, which is
the issuer of all tokens, its tokens are refused by the other gateways, and the accounts of local users are nobody's. Both would show late
and as something else. So a bus remembers in its registry's stream which they are.
"""

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.store import STREAM, SUBJECTS, DocumentStore
from lgsp_problems import CannotStart, RevisionConflict
from lgsp_runtime.loopback import is_loopback
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.request_reply import bus_unavailable

KIND, NAME = "Registry", DocumentName("identity")
"""Of what is remembered. It is no document of the registry: no kind of them is called so."""

_BY = "bootstrap"
_PSEUDONYM_KEY = "pseudonym.key"


@dataclass(frozen=True, slots=True)
class BusIdentity:
    """What all gateways of a bus have in common.

    Args:
        url: under which callers reach it.
        keys: the folder of keys.
        former_url: under which they did until now; "" where it does not change.
    """

    url: str
    keys: Path
    former_url: str = ""

    async def check(self, connection: Client) -> None:
        """Refuse to start at another bus; nothing is written, no key and no stream.

        Raises:
            Refusal: `cannot-start` or `bus-unavailable`.
        """
        known = await _remembered(connection)
        if known is None:
            return
        document = known.spec or {}
        self._check_keys(str(document.get("keys", "")))
        self._check_url(str(document.get("publicUrl", "")))

    async def remember(self, store: DocumentStore) -> None:
        """Keep which bus this is, where that is not known yet or its URL has changed.

        Raises:
            Refusal: `bus-unavailable`.
        """
        known = await store.latest(KIND, NAME)
        document = {"publicUrl": self.url, "keys": self._fingerprint()}
        if known is None or known.spec != document:
            with contextlib.suppress(RevisionConflict):  # another gateway was faster
                await store.write(KIND, NAME, document, known.revision if known else 0, _BY, "")

    def _check_keys(self, remembered: str) -> None:
        if not (self.keys / _PSEUDONYM_KEY).exists():
            raise CannotStart(
                vi=f"Thư mục {self.keys} chưa có khóa nào, mà trục này đã có khóa; hãy chép thư mục khóa từ một gateway đang chạy, hoặc khôi phục từ bản sao lưu.",
                en=f"There are no keys in {self.keys}, and this bus has keys already; copy the folder of keys from a gateway that runs, or restore it from a backup.",
            )
        if self._fingerprint() != remembered:
            raise CannotStart(
                vi=f"Các khóa trong {self.keys} là của một trục khác, không phải của trục trên máy chủ NATS này; hãy kiểm tra --keys và --nats.",
                en=f"The keys in {self.keys} are those of another bus, not of the one on these NATS servers; check --keys and --nats.",
            )

    def _check_url(self, remembered: str) -> None:
        if remembered in (self.url, self.former_url) or _is_local(remembered) or _is_local(self.url):
            return
        raise CannotStart(
            vi=f"Trục này có địa chỉ {remembered}, gateway lại được đặt --public-url {self.url}; hãy dùng đúng địa chỉ đó, hoặc thêm --former-public-url {remembered} ở mọi gateway nếu trục chuyển sang địa chỉ mới.",
            en=f"This bus is at {remembered}, and the gateway has --public-url {self.url}; use that address, or add --former-public-url {remembered} at all gateways if the bus moves to the new one.",
        )

    def _fingerprint(self) -> str:
        """Return what tells keys apart and says nothing of them."""
        key = (self.keys / _PSEUDONYM_KEY).read_bytes()
        return hashlib.blake2b(b"identity of the bus", key=key, digest_size=16).hexdigest()


def parse_public_url(url: str) -> str:
    """Check the URL under which callers reach a bus.

    Raises:
        Refusal: `cannot-start`.
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        fits = fits and not (parts.path or parts.query or parts.fragment or parts.username)
    except ValueError:
        fits = False
    if not fits:
        raise CannotStart(
            vi=f"“{url}” không phải là địa chỉ của trục; hãy viết như https://lgsp.quangninh.gov.vn, không có dấu / và đường dẫn ở cuối.",
            en=f'"{url}" is no address of a bus; write it as in https://lgsp.quangninh.gov.vn, without a slash or a path at its end.',
        )
    return url


async def _remembered(connection: Client) -> DocumentVersion | None:
    try:
        message = await streams.with_patience(
            connection, lambda: connection.jetstream().get_last_msg(STREAM, f"{SUBJECTS}{KIND}.{NAME}")
        )
    except NotFoundError:
        return None
    except (NatsError, OSError) as error:
        raise bus_unavailable() from error
    return DocumentVersion(KIND, NAME, int(message.seq or 0), message.data or b"")


def _is_local(url: str) -> bool:
    """A bus on one machine gets another port at each start."""
    return is_loopback(urlsplit(url).hostname or "")
