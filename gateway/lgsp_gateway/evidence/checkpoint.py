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
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lgsp_problems import Refusal

_ED25519 = b"\x01"
_DASH = "— "


def origin_of(gateway: str) -> str:
    """The name of a gateway's log."""
    return f"lgsp/{gateway}"


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
    """Who vouches for a log, as everybody may know it."""

    name: str
    public: bytes

    @property
    def identifier(self) -> bytes:
        """Four bytes that a signature begins with, to find its key by."""
        return hashlib.sha256(f"{self.name}\n".encode() + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.identifier.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

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
        key = cls(name, decoded[1:])
        if len(decoded) != 33 or decoded[:1] != _ED25519 or key.identifier.hex() != identifier:
            raise Refusal(
                "malformed",
                vi="Khóa kiểm tra phải có dạng tên+mã+base64 (Ed25519); hãy chép nguyên dòng từ `lgsp evidence keys`.",
                en="A verifier key is name+id+base64 (Ed25519); copy the whole line from `lgsp evidence keys`.",
            )
        return key

    def opened(self, note: str) -> Checkpoint:
        """The checkpoint in a signed note.

        Raises:
            Refusal: `evidence-forged`, when it is not one, or this key did not sign it.
        """
        text, blank, signatures = note.partition("\n\n")
        lines = text.split("\n")
        if blank and len(lines) >= 3 and lines[0] == self.name and self._signed(f"{text}\n", signatures):
            try:
                size, root = int(lines[1]), base64.b64decode(lines[2], validate=True)
            except (ValueError, binascii.Error):
                size, root = -1, b""
            if size >= 0 and str(size) == lines[1] and len(root) == 32:
                return Checkpoint(lines[0], size, root)
        raise forged(
            f"điểm kiểm của {self.name} không do khóa này ký", f"a checkpoint of {self.name} is not signed by this key"
        )

    def _signed(self, text: str, signatures: str) -> bool:
        for line in signatures.split("\n"):
            name, _, encoded = line.removeprefix(_DASH).partition(" ")
            if not line.startswith(_DASH) or name != self.name:
                continue
            try:
                decoded = base64.b64decode(encoded, validate=True)
                if decoded[:4] == self.identifier:
                    Ed25519PublicKey.from_public_bytes(self.public).verify(decoded[4:], text.encode())
                    return True
            except (binascii.Error, ValueError, InvalidSignature):
                continue
        return False


class Signer:
    """Signs the checkpoints of one log.

    Args:
        seed: the private key, 32 bytes.
    """

    def __init__(self, origin: str, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = VerifierKey(origin, self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, size: int, root: bytes) -> str:
        """A signed checkpoint."""
        text = Checkpoint(self.key.name, size, root).text()
        signature = base64.b64encode(self.key.identifier + self._private.sign(text.encode())).decode()
        return f"{text}\n{_DASH}{self.key.name} {signature}\n"


def forged(vi: str, en: str) -> Refusal:
    """The refusal of evidence that does not prove what it should."""
    return Refusal(
        "evidence-forged",
        vi=f"Bằng chứng không đúng: {vi}; đừng tin tài liệu này và hãy báo cho kiểm toán viên.",
        en=f"The evidence is not true: {en}; do not trust it, and tell an auditor.",
    )
