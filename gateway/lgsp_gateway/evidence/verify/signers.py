"""Who signs checkpoints: a log its own (`Signer`), a witness those of others (`Cosigner`).

This is the only module of this package that uses private keys, so that what verifies needs none.
"""

from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.verify.checkpoint import Checkpoint, Predecessor, split_note
from lgsp_gateway.evidence.verify.log_keys import LogKeys
from lgsp_gateway.evidence.verify.restored_origin import current_origin
from lgsp_gateway.evidence.verify.succession import Succession, signed_text
from lgsp_gateway.evidence.verify.verifier_key import WITNESS, VerifierKey, cosigned_text


class LogPrivateKey(Protocol):
    """A private key that signs checkpoints, wherever it is: in a file, or in a token that never gives it away.

    The algorithm is Ed25519 (RFC 8032), which C2SP `signed-note` prescribes for logs: a token that has no Ed25519 cannot sign them.
    """

    @property
    def public(self) -> bytes:
        """Return the public key, 32 bytes."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes."""


class FileLogKey:
    """A private key that a gateway holds in memory.

    Args:
        seed: the private key, 32 bytes.
    """

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public(self) -> bytes:
        """Return the public key, 32 bytes."""
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes."""
        return self._private.sign(message)


class LogSigner(Protocol):
    """Whoever signs the checkpoints of one log, under the key of the moment."""

    @property
    def key(self) -> VerifierKey:
        """Return the verifier key that signs now."""

    @property
    def successions(self) -> tuple[Succession, ...]:
        """Return the successions that lead to that key, the oldest first."""

    def log_keys(self, note: str, gateway: GatewayName) -> LogKeys:
        """Return the keys of this log under all origins that one of its checkpoints names."""

    def after(self, last: Checkpoint) -> "LogSigner":
        """Return the signer of what follows the newest checkpoint of this log: after a restore it goes on under another origin."""

    def sign(self, size: int, root: bytes, predecessors: tuple[Predecessor, ...] = ()) -> str:
        """Return a checkpoint as a signed note."""

    def sign_note(self, text: str) -> str:
        """Return a text, with a line feed at its end, as a signed note (C2SP `signed-note`)."""


class Signer:
    """Signs the checkpoints of one log by one key.

    Args:
        origin: the name of the log.
        key: the private key; 32 bytes are the seed of one in memory.
        successions: that lead to this key, the oldest first.
    """

    def __init__(self, origin: str, key: LogPrivateKey | bytes, successions: tuple[Succession, ...] = ()) -> None:
        self._private = FileLogKey(key) if isinstance(key, bytes) else key
        self.successions = successions
        self.key = VerifierKey(origin, self._private.public)

    def log_keys(self, note: str, gateway: GatewayName) -> LogKeys:
        """Return the keys of this log under all origins that one of its checkpoints names.

        Raises:
            Refusal: `evidence-forged`, when the checkpoint is none of this gateway's log.
        """
        return LogKeys.of_checkpoint(note, publics_of(self.key.public, self.successions), gateway)

    def after(self, last: Checkpoint) -> "Signer":
        """Return the signer of what follows the newest checkpoint of this log: after a restore it goes on under another origin."""
        return Signer(current_origin(self.key.name, last.origin), self._private, self.successions)

    def sign(self, size: int, root: bytes, predecessors: tuple[Predecessor, ...] = ()) -> str:
        """Return a checkpoint as a signed note.

        Args:
            size: entries of the log.
            root: of their Merkle tree, 32 bytes.
            predecessors: the last checkpoint under each origin that the log had before.
        """
        return self.sign_note(Checkpoint(self.key.name, size, root, predecessors, self.successions).text())

    def sign_note(self, text: str) -> str:
        """Return a text as a signed note (C2SP `signed-note`).

        Args:
            text: with a line feed at its end.
        """
        return f"{text}\n{self.key.signature_line(self._private.sign(text.encode()))}"


def publics_of(public: bytes, successions: tuple[Succession, ...]) -> tuple[bytes, ...]:
    """Return the public keys of a log: the one that signs, and those that signed before, the newest first."""
    return (public, *(one.old for one in reversed(successions)))


def succeed(old: LogPrivateKey, new: bytes) -> Succession:
    """Have a key sign the public key that follows it."""
    return Succession(old.public, new, old.sign(signed_text(old.public, new)))


class Cosigner:
    """Signs what a witness has checked: that a log had this size and root at a time, and continues what it was before.

    Args:
        name: the witness, as others know it.
        seed: its private key (Ed25519, 32 bytes).
    """

    def __init__(self, name: str, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = VerifierKey.of_private_key(name, self._private, WITNESS)

    def cosign(self, note: str, time: int) -> str:
        """Return a note with the witness's line added to its signatures (C2SP `tlog-cosignature`).

        Args:
            time: seconds since 1970.
        """
        text, signatures = split_note(note)
        signature = time.to_bytes(8) + self._private.sign(cosigned_text(text, time).encode())
        return f"{text}\n{signatures}{self.key.signature_line(signature)}"
