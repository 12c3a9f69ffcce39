"""Who a running gateway is, as it signs it for others: the origin of its log, and the name of its process.

    lgsp-instance/1
    lgsp.quangninh.gov.vn/gw-1                    the origin of its log
    7f3a…                                         the process: a random name for each start
    09bc…                                         the nonce of whoever asked

    — lgsp.quangninh.gov.vn/gw-1 Az3grlgtzPIC…    the signature (C2SP `signed-note`)

Its first line is no origin of a log, and its second no size: it is never taken for a checkpoint.
"""

from dataclasses import dataclass
from typing import Protocol

from lgsp_gateway.evidence.verify.checkpoint import split_note
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey

_FORMAT = "lgsp-instance/1"


class NoteSigner(Protocol):
    """Whoever signs notes with the key of a log."""

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
        return signer.sign_note(f"{_FORMAT}\n{self.origin}\n{self.process}\n{self.nonce}\n")

    @classmethod
    def verified(cls, note: str, nonce: str, public: bytes) -> "InstanceNote | None":
        """Return what a note says, where the key of the logs has signed it for this question; None where it has not.

        Args:
            public: the public key of the logs, 32 bytes.
        """
        text, _ = split_note(note)
        lines = text.split("\n")
        if len(lines) != 5 or lines[0] != _FORMAT or lines[3] != nonce or not lines[2].isalnum():
            return None
        if not VerifierKey(lines[1], public).has_signed_note(note):
            return None
        return cls(lines[1], lines[2], nonce)
