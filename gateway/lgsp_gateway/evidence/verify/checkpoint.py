"""Checkpoints: the size and root of a log at one moment, in the text form that is signed (C2SP `tlog-checkpoint`).

    lgsp.quangninh.gov.vn/gw-1                       the origin: which log, by a name that is unique in the world
    1204                                             how many entries
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=     the root of their tree

    — lgsp.quangninh.gov.vn/gw-1 Az3grlgtzPICa5OS…   signatures, one a line (C2SP `signed-note`)

A log may get another origin, as those of before instances had a domain do. It goes on with the same tree under the same key, and each
checkpoint from then on has an extension line for each origin before, which cites the last checkpoint under it:

    continues lgsp/gw-1 68 FIkfW39PYtt9gfK5+xngsB3X3o6GI8liauwkjpprxEQ=

A log whose key was changed has a line for each change (`succession`). This module knows the text alone; `verifier_key` and `signers` know the signatures.
"""

import base64
from dataclasses import dataclass
from typing import Protocol

from lgsp_gateway.evidence.verify.succession import WORD, Succession

_CONTINUES = "continues"


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The last checkpoint of a log under an origin that it had before.

    Args:
        size: entries of the log at that moment.
        root: of their Merkle tree, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def line(self) -> str:
        """Return the extension line that cites it, with its line feed."""
        return f"{_CONTINUES} {self.origin} {self.size} {base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log at one moment.

    Args:
        size: entries of the log.
        root: of their Merkle tree, 32 bytes.
        predecessors: the last checkpoint under each origin that the log had before, the oldest first.
        successions: of the keys that have signed the log, the oldest first.
    """

    origin: str
    size: int
    root: bytes
    predecessors: tuple[Predecessor, ...] = ()
    successions: tuple[Succession, ...] = ()

    def text(self) -> str:
        """Return the text that is signed, in the form of C2SP `tlog-checkpoint`."""
        extensions = "".join([*(one.line() for one in self.predecessors), *(one.line() for one in self.successions)])
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n{extensions}"

    def predecessors_of_next_origin(self) -> tuple[Predecessor, ...]:
        """Return what checkpoints cite after the log has taken another origin: what this one cites, and this one."""
        return *self.predecessors, Predecessor(self.origin, self.size, self.root)


class CheckpointVerifier(Protocol):
    """Whoever can tell whether a log has signed a checkpoint: one verifier key, or all keys of a log."""

    def verify(self, note: str) -> Checkpoint:
        """Return the checkpoint in a signed note, after a check of its signature.

        Raises:
            Refusal: `evidence-forged`, when the text is no checkpoint, or the log did not sign it.
        """


def split_note(note: str) -> tuple[str, str]:
    """Split a signed note into the text that is signed and the lines of signatures."""
    text, _, signatures = note.partition("\n\n")
    return f"{text}\n", signatures


def parse_checkpoint(text: str) -> Checkpoint | None:
    """Parse the text of a checkpoint; None where it is not one. Extension lines that are not known are passed over.

    Args:
        text: the signed part of a note. Its signatures are not looked at, so nothing in the result can be trusted yet.
    """
    lines = text.split("\n")
    try:
        size, root = _size_and_root(lines[1], lines[2])
        citations = [line.split(" ")[1:] for line in lines[3:] if line.startswith(f"{_CONTINUES} ")]
        successions = tuple(Succession.parse(line) for line in lines[3:] if line.startswith(f"{WORD} "))
        predecessors = tuple(Predecessor(origin, *_size_and_root(*rest)) for origin, *rest in citations)
    except (IndexError, ValueError, TypeError):
        return None
    if any(predecessor.size > size or predecessor.origin == lines[0] for predecessor in predecessors):
        return None
    return Checkpoint(lines[0], size, root, predecessors, successions)


def unverified_size(note: str) -> int:
    """Return how many entries a note says that it covers. Its signatures are not checked.

    Raises:
        ValueError, IndexError: it is no checkpoint.
    """
    return int(note.split("\n")[1])


def _size_and_root(number: str, encoded: str) -> tuple[int, bytes]:
    size, root = int(number), base64.b64decode(encoded, validate=True)
    if str(size) != number or size < 0 or len(root) != 32:
        raise ValueError("neither a size nor a root")
    return size, root
