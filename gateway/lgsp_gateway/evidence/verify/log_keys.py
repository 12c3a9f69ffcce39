"""The verifier keys of one log, under every origin that it has had: a log may be renamed, and is still verified as one."""

from collections.abc import Iterable, Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.verify.checkpoint import Checkpoint, parse_checkpoint, split_note
from lgsp_gateway.evidence.verify.origins import gateway_of
from lgsp_gateway.evidence.verify.refusals import evidence_forged
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_problems import Refusal


class LogKeys:
    """The verifier keys of one log, which are one public key under each origin that the log has had.

    An origin that is not known is accepted where its checkpoint cites one that is, for the same gateway and by the same public key: it
    is the log itself that says how it is called now.

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
    def group(cls, keys: Iterable[VerifierKey]) -> "list[LogKeys]":
        """Group verifier keys by the log that they belong to.

        Raises:
            Refusal: `malformed`, when one is not the key of a gateway's log.
        """
        logs: dict[tuple[str, bytes], list[VerifierKey]] = {}
        for key in keys:
            logs.setdefault((gateway_of(key.name), key.public), []).append(key)
        return [cls(keys_of_log) for keys_of_log in logs.values()]

    @classmethod
    def of_checkpoint(cls, note: str, seed: bytes, gateway: GatewayName) -> "LogKeys":
        """Return the keys of a log under all origins that a checkpoint of it names.

        Args:
            note: the checkpoint; its signature is not checked here.
            seed: the private key (Ed25519, 32 bytes) of the log.
            gateway: the one whose log it must be.

        Raises:
            Refusal: `evidence-forged`, when the checkpoint is none of this gateway's log.
        """
        checkpoint = parse_checkpoint(split_note(note)[0])
        origins = (
            [checkpoint.origin, *(predecessor.origin for predecessor in checkpoint.predecessors)] if checkpoint else []
        )
        if not origins or any(origin.rpartition("/")[2] != gateway for origin in origins):
            raise evidence_forged(f"không phải điểm kiểm của {gateway}", f"it is no checkpoint of {gateway}")
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(VerifierKey.of_private_key(origin, private) for origin in origins)

    def matches(self, note: str) -> bool:
        """Tell whether a checkpoint names one of the origins of this log. Its signature is not checked."""
        return self._key_for(note) is not None

    def verify(self, note: str) -> Checkpoint:
        """Return the checkpoint in a note, after a check that the log has signed it, under whichever of its origins.

        Raises:
            Refusal: `evidence-forged`, when it is not one, or the log did not sign it.
        """
        key = self._key_for(note)
        if key is None:
            origin = note.partition("\n")[0][:80]
            raise evidence_forged(
                f"không có khóa tin cậy nào của {self.gateway} cho điểm kiểm của {origin}",
                f"none of the keys of {self.gateway} that are trusted is that of a checkpoint of {origin}",
            )
        return key.verify(note)

    def _key_for(self, note: str) -> VerifierKey | None:
        checkpoint = parse_checkpoint(split_note(note)[0])
        if checkpoint is None:
            return None
        if checkpoint.origin in self._keys:
            return self._keys[checkpoint.origin]
        cites_known_origin = any(predecessor.origin in self._keys for predecessor in checkpoint.predecessors)
        if cites_known_origin and self._is_of_this_gateway(checkpoint.origin):
            return VerifierKey(checkpoint.origin, self._public)
        return None

    def _is_of_this_gateway(self, origin: str) -> bool:
        try:
            return gateway_of(origin) == self.gateway
        except Refusal:
            return False


def find_log_keys(keys: Iterable[VerifierKey], note: str) -> LogKeys | None:
    """Find, among verifier keys of several logs, those of the log that a checkpoint is of; None where there are none.

    Raises:
        Refusal: `malformed`, when one of them is not the key of a gateway's log.
    """
    return next((log for log in LogKeys.group(keys) if log.matches(note)), None)
