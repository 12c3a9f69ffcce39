"""Verifier keys: the public halves of the keys that sign checkpoints, as everybody may know them (C2SP `signed-note`, Ed25519).

A key is one line, `NAME+ID+BASE64`, such as `lgsp/gw-1+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8`. It is all that it
takes to check a signature: no bus, no network.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lgsp_gateway.evidence.verify.checkpoint import Checkpoint, parse_checkpoint, split_note
from lgsp_gateway.evidence.verify.refusals import evidence_forged
from lgsp_problems import Refusal

LOG, WITNESS = b"\x01", b"\x04"
"""Signature types of C2SP `signed-note`: an Ed25519 key that signs its own checkpoints, or cosigns those of others."""
_SIGNATURE_PREFIX = "— "


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public key of a log or of a witness.

    Args:
        name: the origin of the log, or the name of the witness.
        public: the Ed25519 public key, 32 bytes.
        kind: `LOG` or `WITNESS`.
    """

    name: str
    public: bytes
    kind: bytes = LOG

    @property
    def identifier(self) -> bytes:
        """Return the four bytes that a signature begins with, by which its key is recognised."""
        return hashlib.sha256(f"{self.name}\n".encode() + self.kind + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.identifier.hex()}+{base64.b64encode(self.kind + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Parse the line `NAME+ID+BASE64`.

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

    @classmethod
    def of_private_key(cls, name: str, key: Ed25519PrivateKey, kind: bytes = LOG) -> "VerifierKey":
        """Return the verifier key that belongs to a private key."""
        return cls(name, key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), kind)

    def verify(self, note: str) -> Checkpoint:
        """Return the checkpoint in a note, after a check that this log has signed it.

        Raises:
            Refusal: `evidence-forged`, when it is not one, or this key did not sign it.
        """
        checkpoint = parse_checkpoint(split_note(note)[0])
        if checkpoint and checkpoint.origin == self.name and self.has_signed_note(note):
            return checkpoint
        raise evidence_forged(
            f"bản chốt của {self.name} không do khóa này ký", f"a checkpoint of {self.name} is not signed by this key"
        )

    def is_named_in(self, note: str) -> bool:
        """Tell whether a note carries a signature that names this key; it is not verified."""
        return any(True for _ in self._signatures_of_this_key(split_note(note)[1]))

    def has_signed_note(self, note: str) -> bool:
        """Tell whether this key has signed a note, whatever it says."""
        text, signatures = split_note(note)
        return any(self._has_signed(text, signature) for signature in self._signatures_of_this_key(signatures))

    def cosigned_at(self, note: str) -> int:
        """Return when this witness cosigned a checkpoint, in seconds since 1970 (C2SP `tlog-cosignature`).

        Raises:
            Refusal: `evidence-forged`, when it did not.
        """
        text, signatures = split_note(note)
        for signature in self._signatures_of_this_key(signatures):
            time = int.from_bytes(signature[:8])
            if parse_checkpoint(text) and self._has_signed(cosigned_text(text, time), signature[8:]):
                return time
        raise evidence_forged(
            f"nhân chứng {self.name} chưa ký", f"the witness {self.name} has not signed the checkpoint"
        )

    def signature_line(self, signature: bytes) -> str:
        """Return the line of a note that carries a signature of this key, with its line feed."""
        return f"{_SIGNATURE_PREFIX}{self.name} {base64.b64encode(self.identifier + signature).decode()}\n"

    def _has_signed(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True

    def _signatures_of_this_key(self, signatures: str) -> Iterator[bytes]:
        """The signatures whose lines name this key, without its identifier. They are still to be verified."""
        for line in signatures.split("\n"):
            name, _, encoded = line.removeprefix(_SIGNATURE_PREFIX).partition(" ")
            if line.startswith(_SIGNATURE_PREFIX) and name == self.name:
                try:
                    decoded = base64.b64decode(encoded, validate=True)
                except (binascii.Error, ValueError):
                    continue
                if decoded[:4] == self.identifier:
                    yield decoded[4:]


def cosigned_text(checkpoint: str, time: int) -> str:
    """Return the text that a witness signs (C2SP `tlog-cosignature`).

    Args:
        checkpoint: the text of the checkpoint, without signatures.
        time: seconds since 1970.
    """
    return f"cosignature/v1\ntime {time}\n{checkpoint}"
