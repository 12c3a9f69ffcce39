"""The verifier keys of one log, under every origin and key that it has had: a log may be renamed and change its key, and is still verified as one."""

from collections.abc import Iterable, Iterator

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.verify.checkpoint import Checkpoint, parse_checkpoint, split_note
from lgsp_gateway.evidence.verify.origins import gateway_of
from lgsp_gateway.evidence.verify.refusals import evidence_forged
from lgsp_gateway.evidence.verify.succession import newest_of
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_problems import Refusal


class LogKeys:
    """The verifier keys of one log: under each origin that it has had, and each key that has signed it.

    An origin that is not known is accepted where its checkpoint cites one that is, for the same gateway and by the same public key: it
    is the log itself that says how it is called now. A key that is not known is accepted where a known one has signed it as its successor.

    Args:
        keys: at least one, of one gateway.
    """

    def __init__(self, keys: Iterable[VerifierKey]) -> None:
        self._keys = tuple(keys)
        self._names = frozenset(key.name for key in self._keys)
        self._publics = tuple(dict.fromkeys(key.public for key in self._keys))
        self.gateway = gateway_of(self._keys[0].name)

    def __iter__(self) -> Iterator[VerifierKey]:
        return iter(self._keys)

    @classmethod
    def group(cls, keys: Iterable[VerifierKey]) -> "list[LogKeys]":
        """Group verifier keys by the log that they belong to: those of one gateway that share a name or a public key.

        Raises:
            Refusal: `malformed`, when one is not the key of a gateway's log.
        """
        logs: list[list[VerifierKey]] = []
        for key in keys:
            gateway = gateway_of(key.name)
            related = [
                log
                for log in logs
                if gateway_of(log[0].name) == gateway
                and any(one.name == key.name or one.public == key.public for one in log)
            ]
            logs = [log for log in logs if log not in related]
            logs.append([*(one for log in related for one in log), key])
        return [cls(keys_of_log) for keys_of_log in logs]

    @classmethod
    def of_checkpoint(cls, note: str, publics: Iterable[bytes], gateway: GatewayName) -> "LogKeys":
        """Return the keys of a log under all origins that a checkpoint of it names.

        Args:
            note: the checkpoint; its signature is not checked here.
            publics: the public keys (Ed25519, 32 bytes) that sign the log, or have signed it; at least one.
            gateway: the one whose log it must be.

        Raises:
            Refusal: `evidence-forged`, when the checkpoint is none of this gateway's log.
        """
        checkpoint = parse_checkpoint(split_note(note)[0])
        origins = (
            [checkpoint.origin, *(predecessor.origin for predecessor in checkpoint.predecessors)] if checkpoint else []
        )
        if not origins or any(origin.rpartition("/")[2] != gateway for origin in origins):
            raise evidence_forged(f"không phải bản chốt của {gateway}", f"it is no checkpoint of {gateway}")
        return cls(VerifierKey(origin, public) for public in publics for origin in origins)

    def matches(self, note: str) -> bool:
        """Tell whether a checkpoint names one of the origins of this log. Its signature is not checked."""
        return bool(self._candidates(note))

    def verify(self, note: str) -> Checkpoint:
        """Return the checkpoint in a note, after a check that the log has signed it, under whichever of its origins and keys.

        Raises:
            Refusal: `evidence-forged`, when it is not one, or the log did not sign it.
        """
        candidates = self._candidates(note)
        if not candidates:
            origin = note.partition("\n")[0][:80]
            raise evidence_forged(
                f"không có khóa tin cậy nào của {self.gateway} cho bản chốt của {origin}",
                f"none of the keys of {self.gateway} that are trusted is that of a checkpoint of {origin}",
            )
        signers = [key for key in candidates if key.is_named_in(note)]
        return (signers or candidates)[0].verify(note)

    def _candidates(self, note: str) -> list[VerifierKey]:
        """Return the keys that may have signed a checkpoint: of those that are trusted the newest, as its successions say."""
        checkpoint = parse_checkpoint(split_note(note)[0])
        if checkpoint is None or not self._is_known(checkpoint):
            return []
        newest = dict.fromkeys(newest_of(public, checkpoint.successions) for public in self._publics)
        return [VerifierKey(checkpoint.origin, public) for public in newest]

    def _is_known(self, checkpoint: Checkpoint) -> bool:
        if checkpoint.origin in self._names:
            return True
        cites_known_origin = any(predecessor.origin in self._names for predecessor in checkpoint.predecessors)
        return cites_known_origin and self._is_of_this_gateway(checkpoint.origin)

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
