"""Checkpoints: what a log says of itself, signed (C2SP `tlog-checkpoint` in a C2SP `signed-note`, with Ed25519).

    lgsp/gw-1                                        the origin: which log
    1204                                             how many entries
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=     the root of their tree

    — lgsp/gw-1 Az3grlgtzPICa5OS8npVmf1Myq/…         by whom, and the signature

A verifier needs the log's *verifier key*, one line such as `lgsp/gw-1+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8`.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lgsp_contracts import names
from lgsp_contracts.names import GatewayName
from lgsp_problems import Refusal

LOG, WITNESS = b"\x01", b"\x04"
"""What an Ed25519 key is for: signing its own checkpoints, or those of others."""
_DASH = "— "


def origin_of(gateway: GatewayName) -> str:
    """The name of a gateway's log."""
    return f"lgsp/{gateway}"


def gateway_of(origin: str) -> GatewayName:
    """Whose log an origin, or a verifier key, names. The name becomes a file's, so it is held against the pattern.

    Raises:
        Refusal: `malformed`.
    """
    before, _, gateway = origin.partition("/")
    if before != "lgsp":
        raise Refusal(
            "malformed",
            vi="Khóa này không thuộc nhật ký của một gateway (lgsp/TÊN); hãy dùng tệp từ `lgsp evidence keys`.",
            en="This key is not that of a gateway's log (lgsp/NAME); use the file from `lgsp evidence keys`.",
        )
    return names.gateway_name(gateway)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log at one moment."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


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
        """The checkpoint in a note that the log has signed.

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
        """When a witness put its name to a checkpoint, in seconds since 1970 (C2SP `tlog-cosignature`).

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


def _halves(note: str) -> tuple[str, str]:
    """What is signed, and the lines of signatures."""
    text, _, signatures = note.partition("\n\n")
    return f"{text}\n", signatures


def _parsed(text: str) -> Checkpoint | None:
    lines = text.split("\n")
    try:
        size, root = int(lines[1]), base64.b64decode(lines[2], validate=True)
    except (IndexError, ValueError, binascii.Error):
        return None
    return Checkpoint(lines[0], size, root) if str(size) == lines[1] and size >= 0 and len(root) == 32 else None


def _dated(text: str, time: int) -> str:
    """What a witness signs."""
    return f"cosignature/v1\ntime {time}\n{text}"


class Signer:
    """Signs the checkpoints of one log.

    Args:
        seed: the private key, 32 bytes.
    """

    def __init__(self, origin: str, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = VerifierKey(origin, _public(self._private))

    def sign(self, size: int, root: bytes) -> str:
        """A signed checkpoint."""
        text = Checkpoint(self.key.name, size, root).text()
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
        """The note with the witness's line added."""
        text, signatures = _halves(note)
        signed = time.to_bytes(8) + self._private.sign(_dated(text, time).encode())
        return f"{text}\n{signatures}{_line(self.key, signed)}"


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _line(key: VerifierKey, signature: bytes) -> str:
    return f"{_DASH}{key.name} {base64.b64encode(key.identifier + signature).decode()}\n"


def forged(vi: str, en: str) -> Refusal:
    """The refusal of evidence that does not prove what it should."""
    return Refusal(
        "evidence-forged",
        vi=f"Bằng chứng không đúng: {vi}; đừng tin tài liệu này và hãy báo cho kiểm toán viên.",
        en=f"The evidence is not true: {en}; do not trust it, and tell an auditor.",
    )
