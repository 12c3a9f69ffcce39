"""Who signs checkpoints: a log its own (`Signer`), a witness those of others (`Cosigner`).

This is the only module of this package that uses private keys, so that what verifies needs none.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.verify.checkpoint import Checkpoint, Predecessor, split_note
from lgsp_gateway.evidence.verify.log_keys import LogKeys
from lgsp_gateway.evidence.verify.verifier_key import WITNESS, VerifierKey, cosigned_text


class Signer:
    """Signs the checkpoints of one log.

    Args:
        origin: the name of the log.
        seed: the private key (Ed25519, 32 bytes).
    """

    def __init__(self, origin: str, seed: bytes) -> None:
        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = VerifierKey.of_private_key(origin, self._private)

    def log_keys(self, note: str, gateway: GatewayName) -> LogKeys:
        """Return the keys of this log under all origins that one of its checkpoints names.

        Raises:
            Refusal: `evidence-forged`, when the checkpoint is none of this gateway's log.
        """
        return LogKeys.of_checkpoint(note, self._seed, gateway)

    def sign(self, size: int, root: bytes, predecessors: tuple[Predecessor, ...] = ()) -> str:
        """Return a checkpoint as a signed note.

        Args:
            size: entries of the log.
            root: of their Merkle tree, 32 bytes.
            predecessors: the last checkpoint under each origin that the log had before.
        """
        text = Checkpoint(self.key.name, size, root, predecessors).text()
        return f"{text}\n{self.key.signature_line(self._private.sign(text.encode()))}"


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
