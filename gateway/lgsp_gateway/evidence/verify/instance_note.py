"""Who a running gateway is, as it signs it for others: the origin of its log, and the name of its process.

    lgsp-instance/1
    lgsp.quangninh.gov.vn/gw-1                    the origin of its log
    7f3a…                                         the process: a random name for each start
    09bc…                                         the nonce of whoever asked
    successor 1zhy19re2hNq8hkic3ka… rT+Rgy… pX…   each succession of the key of the logs, as in checkpoints

    — lgsp.quangninh.gov.vn/gw-1 Az3grlgtzPIC…    the signature (C2SP `signed-note`)

Its first line is no origin of a log, and its second no size: it is never taken for a checkpoint.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from lgsp_gateway.evidence.verify.checkpoint import split_note
from lgsp_gateway.evidence.verify.succession import Succession, trusted_publics
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey

_FORMAT = "lgsp-instance/1"
_HEAD_LINES = 4


class NoteSigner(Protocol):
    """Whoever signs notes with the key of a log."""

    @property
    def successions(self) -> tuple[Succession, ...]:
        """Return the successions that lead to the key that signs now, the oldest first."""

    def sign_note(self, text: str) -> str:
        """Return a text as a signed note."""


@dataclass(frozen=True, slots=True)
class InstanceNote:
    """Who answered.

    Args:
        origin: of the log that the process writes.
        process: its random name.
        nonce: of the question.
    """

    origin: str
    process: str
    nonce: str

    @property
    def domain(self) -> str:
        """Return what the origins of all logs of its bus begin with."""
        return self.origin.rpartition("/")[0]

    def signed(self, signer: NoteSigner) -> str:
        """Return it as a signed note."""
        successions = "".join(one.line() for one in signer.successions)
        return signer.sign_note(f"{_FORMAT}\n{self.origin}\n{self.process}\n{self.nonce}\n{successions}")

    @classmethod
    def verified(cls, note: str, nonce: str, publics: Iterable[bytes]) -> "InstanceNote | None":
        """Return what a note says, where a key of the logs has signed it for this question; None where none has.

        Args:
            publics: the public keys that sign the logs or have signed them, 32 bytes each; a key that one of them vouches for counts too.
        """
        lines = split_note(note)[0].removesuffix("\n").split("\n")
        if len(lines) < _HEAD_LINES or lines[0] != _FORMAT or lines[3] != nonce or not lines[2].isalnum():
            return None
        try:
            successions = [Succession.parse(line) for line in lines[_HEAD_LINES:]]
        except ValueError:
            return None
        keys = [VerifierKey(lines[1], public) for public in trusted_publics(publics, successions)]
        return cls(lines[1], lines[2], nonce) if any(key.has_signed_note(note) for key in keys) else None
