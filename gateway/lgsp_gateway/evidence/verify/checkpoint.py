"""Checkpoints: what a log says of itself, signed (C2SP `tlog-checkpoint` in a C2SP `signed-note`, with Ed25519).

    lgsp.quangninh.gov.vn/gw-1                       the origin: which log, by a name that is unique in the world
    1204                                             how many entries
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=     the root of their tree

    — lgsp.quangninh.gov.vn/gw-1 Az3grlgtzPICa5OS…   by whom, and the signature

A verifier needs the log's *verifier key*, one line such as `lgsp/gw-1+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8`.

A log may get another origin, as those of before instances had a domain do. It goes on with the same tree under the same key, and each
checkpoint from then on has an extension line for each origin before, which cites the last checkpoint under it:

    continues lgsp/gw-1 68 FIkfW39PYtt9gfK5+xngsB3X3o6GI8liauwkjpprxEQ=
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lgsp_contracts import names
from lgsp_contracts.names import GatewayName
from lgsp_problems import Refusal

LOG, WITNESS = b"\x01", b"\x04"
"""What an Ed25519 key is for: signing its own checkpoints, or those of others."""
_DASH = "— "
_CONTINUES = "continues"
LOCAL = "lgsp"
"""Stands for the domain of an instance that has none: of a bus on one machine, and of all before November 2026."""
_DOMAIN = re.compile(r"(?=.{1,200}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


def parse_domain(text: str) -> str:
    """Read the domain of an instance, such as `lgsp.quangninh.gov.vn`.

    Raises:
        Refusal: `malformed`.
    """
    if not _DOMAIN.fullmatch(text):
        raise Refusal(
            "malformed",
            vi="Tên miền của trục phải là tên DNS viết thường có dấu chấm, ví dụ lgsp.quangninh.gov.vn; hãy sửa --domain.",
            en="The domain of an instance is a DNS name in lower case with a dot, such as lgsp.quangninh.gov.vn; correct --domain.",
        )
    return text


def origin_of(gateway: GatewayName, domain: str = LOCAL) -> str:
    """Name the log of a gateway."""
    return f"{domain}/{gateway}"


def gateway_of(origin: str) -> GatewayName:
    """Tell whose log an origin, or a verifier key, names. The name becomes a file's, so it is held against the pattern.

    Raises:
        Refusal: `malformed`.
    """
    domain, _, gateway = origin.rpartition("/")
    if domain != LOCAL and not _DOMAIN.fullmatch(domain):
        raise Refusal(
            "malformed",
            vi="Khóa này không thuộc nhật ký của một gateway (TÊN-MIỀN/TÊN); hãy dùng tệp từ `lgsp evidence keys`.",
            en="This key is not that of a gateway's log (DOMAIN/NAME); use the file from `lgsp evidence keys`.",
        )
    return names.gateway_name(gateway)


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The last checkpoint of a log under an origin that it had before."""

    origin: str
    size: int
    root: bytes

    def line(self) -> str:
        """Write the extension line that cites it."""
        return f"{_CONTINUES} {self.origin} {self.size} {base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log at one moment.

    Args:
        continues: the last checkpoint under each origin that the log had before, the oldest first.
    """

    origin: str
    size: int
    root: bytes
    continues: tuple[Predecessor, ...] = ()

    def text(self) -> str:
        """Write what is signed."""
        cited = "".join([one.line() for one in self.continues])
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n{cited}"

    def succeeded(self) -> tuple[Predecessor, ...]:
        """Cite this checkpoint as the last under its origin, after those that it cites itself."""
        return *self.continues, Predecessor(self.origin, self.size, self.root)


class Opener(Protocol):
    """Whoever can tell whether a log has signed a checkpoint."""

    def opened(self, note: str) -> Checkpoint:
        """Open the checkpoint in a signed note.

        Raises:
            Refusal: `evidence-forged`.
        """


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Who vouches for a log, as everybody may know it: the log itself, or a witness."""

    name: str
    public: bytes
    kind: bytes = LOG

    @property
    def identifier(self) -> bytes:
        """Four bytes that a signature begins with, to find its key by."""
        return hashlib.sha256(f"{self.name}\n".encode() + self.kind + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.identifier.hex()}+{base64.b64encode(self.kind + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read a verifier key.

        Raises:
            Refusal: `malformed`.
        """
        name, _, rest = text.strip().partition("+")
        identifier, _, encoded = rest.partition("+")
        try:
            decoded = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            decoded = b""
        key = cls(name, decoded[1:], decoded[:1])
        if len(decoded) != 33 or key.kind not in {LOG, WITNESS} or key.identifier.hex() != identifier:
            raise Refusal(
                "malformed",
                vi="Khóa kiểm tra phải có dạng tên+mã+base64 (Ed25519); hãy chép nguyên dòng từ `lgsp evidence keys`.",
                en="A verifier key is name+id+base64 (Ed25519); copy the whole line from `lgsp evidence keys`.",
            )
        return key

    def opened(self, note: str) -> Checkpoint:
        """Open the checkpoint in a note that the log has signed.

        Raises:
            Refusal: `evidence-forged`, when it is not one, or this key did not sign it.
        """
        text, signatures = _halves(note)
        found = _parsed(text)
        if found and found.origin == self.name and any(self._signed(text, one) for one in self._of(signatures)):
            return found
        raise forged(
            f"điểm kiểm của {self.name} không do khóa này ký", f"a checkpoint of {self.name} is not signed by this key"
        )

    def cosigned_at(self, note: str) -> int:
        """Tell when a witness put its name to a checkpoint, in seconds since 1970 (C2SP `tlog-cosignature`).

        Raises:
            Refusal: `evidence-forged`, when it did not.
        """
        text, signatures = _halves(note)
        for one in self._of(signatures):
            time = int.from_bytes(one[:8])
            if _parsed(text) and self._signed(_dated(text, time), one[8:]):
                return time
        raise forged(f"nhân chứng {self.name} chưa ký", f"the witness {self.name} has not signed the checkpoint")

    def _signed(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True

    def _of(self, signatures: str) -> Iterator[bytes]:
        """The signatures that say they are by this key, without its identifier."""
        for line in signatures.split("\n"):
            name, _, encoded = line.removeprefix(_DASH).partition(" ")
            if line.startswith(_DASH) and name == self.name:
                try:
                    decoded = base64.b64decode(encoded, validate=True)
                except (binascii.Error, ValueError):
                    continue
                if decoded[:4] == self.identifier:
                    yield decoded[4:]


class LogKeys:
    """The verifier keys of one log, which are one public key under each origin that the log has had.

    An origin that is not known is taken where its checkpoint cites one that is, for the same gateway and by the same public key: it is
    the log itself that says how it is called now.

    Args:
        keys: at least one; they differ in nothing but the domain of their names.
    """

    def __init__(self, keys: Iterable[VerifierKey]) -> None:
        self._keys = {key.name: key for key in keys}
        first = next(iter(self._keys.values()))
        self.gateway = gateway_of(first.name)
        self._public = first.public

    def __iter__(self) -> Iterator[VerifierKey]:
        return iter(self._keys.values())

    @classmethod
    def grouped(cls, keys: Iterable[VerifierKey]) -> "list[LogKeys]":
        """Batch verifier keys by the log that they belong to.

        Raises:
            Refusal: `malformed`, when one is not the key of a gateway's log.
        """
        logs: dict[tuple[str, bytes], list[VerifierKey]] = {}
        for key in keys:
            logs.setdefault((gateway_of(key.name), key.public), []).append(key)
        return [cls(found) for found in logs.values()]

    @classmethod
    def signed_with(cls, seed: bytes, note: str, gateway: GatewayName) -> "LogKeys":
        """Name the keys of a log by a checkpoint of it and the private key that signed it.

        Raises:
            Refusal: `evidence-forged`, when the checkpoint is none of this gateway's log.
        """
        found = _parsed(_halves(note)[0])
        origins = [found.origin, *(one.origin for one in found.continues)] if found else []
        if not origins or any(origin.rpartition("/")[2] != gateway for origin in origins):
            raise forged(f"không phải điểm kiểm của {gateway}", f"it is no checkpoint of {gateway}")
        return cls(Signer(origin, seed).key for origin in origins)

    def knows(self, note: str) -> bool:
        """Tell whether a checkpoint is of this log, by its own words."""
        return self._key_of(note) is not None

    def opened(self, note: str) -> Checkpoint:
        """Open the checkpoint in a note that the log has signed, under whichever of its origins.

        Raises:
            Refusal: `evidence-forged`, when it is not one, or the log did not sign it.
        """
        key = self._key_of(note)
        if key is None:
            origin = note.partition("\n")[0][:80]
            raise forged(
                f"không có khóa tin cậy nào của {self.gateway} cho điểm kiểm của {origin}",
                f"none of the keys of {self.gateway} that are trusted is that of a checkpoint of {origin}",
            )
        return key.opened(note)

    def _key_of(self, note: str) -> VerifierKey | None:
        found = _parsed(_halves(note)[0])
        if found is None:
            return None
        if found.origin in self._keys:
            return self._keys[found.origin]
        cited = any(one.origin in self._keys for one in found.continues)
        return VerifierKey(found.origin, self._public) if cited and self._is_ours(found.origin) else None

    def _is_ours(self, origin: str) -> bool:
        try:
            return gateway_of(origin) == self.gateway
        except Refusal:
            return False


def keys_of(keys: Iterable[VerifierKey], note: str) -> LogKeys | None:
    """Find the keys of the log that a checkpoint is of; None where none of them is."""
    return next((log for log in LogKeys.grouped(keys) if log.knows(note)), None)


def _halves(note: str) -> tuple[str, str]:
    """What is signed, and the lines of signatures."""
    text, _, signatures = note.partition("\n\n")
    return f"{text}\n", signatures


def _parsed(text: str) -> Checkpoint | None:
    lines = text.split("\n")
    try:
        size, root = _size_and_root(lines[1], lines[2])
        cited = [line.split(" ")[1:] for line in lines[3:] if line.startswith(f"{_CONTINUES} ")]
        continues = tuple(Predecessor(origin, *_size_and_root(*one)) for origin, *one in cited)
    except (IndexError, ValueError, TypeError):
        return None
    if any(one.size > size or one.origin == lines[0] for one in continues):
        return None
    return Checkpoint(lines[0], size, root, continues)


def _size_and_root(number: str, encoded: str) -> tuple[int, bytes]:
    size, root = int(number), base64.b64decode(encoded, validate=True)
    if str(size) != number or size < 0 or len(root) != 32:
        raise ValueError("neither a size nor a root")
    return size, root


def _dated(text: str, time: int) -> str:
    """What a witness signs."""
    return f"cosignature/v1\ntime {time}\n{text}"


class Signer:
    """Signs the checkpoints of one log.

    Args:
        seed: the private key, 32 bytes.
    """

    def __init__(self, origin: str, seed: bytes) -> None:
        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = VerifierKey(origin, _public(self._private))

    def log_keys(self, note: str, gateway: GatewayName) -> "LogKeys":
        """Name the keys of the log of a gateway, by a checkpoint that this signer signed, under whichever of its origins.

        Raises:
            Refusal: `evidence-forged`, when the checkpoint is none of this gateway's log.
        """
        return LogKeys.signed_with(self._seed, note, gateway)

    def sign(self, size: int, root: bytes, continues: tuple[Predecessor, ...] = ()) -> str:
        """Sign a checkpoint.

        Args:
            continues: the last checkpoint under each origin that the log had before.
        """
        text = Checkpoint(self.key.name, size, root, continues).text()
        return f"{text}\n{_line(self.key, self._private.sign(text.encode()))}"


class Cosigner:
    """Signs what a witness has seen: that a log had this size and root at a time, and goes on from what it was before.

    Args:
        name: the witness, as others know it.
        seed: its private key, 32 bytes.
    """

    def __init__(self, name: str, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = VerifierKey(name, _public(self._private), WITNESS)

    def cosign(self, note: str, time: int) -> str:
        """Add the witness's line to a note."""
        text, signatures = _halves(note)
        signed = time.to_bytes(8) + self._private.sign(_dated(text, time).encode())
        return f"{text}\n{signatures}{_line(self.key, signed)}"


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _line(key: VerifierKey, signature: bytes) -> str:
    return f"{_DASH}{key.name} {base64.b64encode(key.identifier + signature).decode()}\n"


def forged(vi: str, en: str) -> Refusal:
    """Make the refusal of evidence that does not prove what it should."""
    return Refusal(
        "evidence-forged",
        vi=f"Bằng chứng không đúng: {vi}; đừng tin tài liệu này và hãy báo cho kiểm toán viên.",
        en=f"The evidence is not true: {en}; do not trust it, and tell an auditor.",
    )
