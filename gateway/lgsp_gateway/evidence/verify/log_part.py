"""Verifying a whole log, or a part of one: every entry is held against the signed checkpoints.

A part is verified like a whole log, from the compact range of what comes before it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lgsp_gateway.evidence.verify import merkle
from lgsp_gateway.evidence.verify.checkpoint import Checkpoint, CheckpointVerifier
from lgsp_gateway.evidence.verify.refusals import evidence_forged
from lgsp_gateway.evidence.verify.succession import Succession


@dataclass(frozen=True, slots=True)
class PartStart:
    """Where a part of a log begins.

    Args:
        size: entries before it.
        compact_range: of the tree over those.
        note: the signed checkpoint that covers exactly those; empty at the beginning of a log.
    """

    size: int = 0
    compact_range: tuple[bytes, ...] = ()
    note: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as a JSON object: `size`, `edge` (the compact range, in hex) and `checkpoint`."""
        return {"size": self.size, "edge": [root.hex() for root in self.compact_range], "checkpoint": self.note}

    @classmethod
    def parse(cls, document: Any) -> "PartStart":
        """Read it from a JSON object, as `document` writes it.

        Raises:
            Refusal: `evidence-forged`, when it is none.
        """
        try:
            compact_range = tuple(map(bytes.fromhex, document["edge"]))
            return cls(int(document["size"]), compact_range, str(document["checkpoint"]))
        except (KeyError, TypeError, ValueError) as error:
            raise evidence_forged(
                "phần này không nói bắt đầu ở đâu", "the part does not say where it begins"
            ) from error

    def tree(self, key: CheckpointVerifier) -> merkle.Tree:
        """Return the tree over the entries before the part, after a check that its checkpoint has this size and root.

        Raises:
            Refusal: `evidence-forged`.
        """
        try:
            tree = merkle.Tree(self.size, self.compact_range)
        except ValueError as error:
            raise evidence_forged("cây ở chỗ bắt đầu không đúng", "the tree at its beginning is none") from error
        if self.size:
            checkpoint = key.verify(self.note)
            if (checkpoint.size, checkpoint.root) != (tree.size, tree.root()):
                raise evidence_forged(
                    "cây ở chỗ bắt đầu chưa từng được ký", "the tree at its beginning was never signed"
                )
        return tree


LOG_BEGINNING = PartStart()
"""The start of a log from its first entry on."""


def verify_log_part(
    entries: Iterable[bytes], notes: Iterable[str], key: CheckpointVerifier, start: PartStart = LOG_BEGINNING
) -> Checkpoint:
    """Hold the entries of a log, or of a part of one, against its checkpoints: each must be signed and fit, the last must cover all.

    Args:
        entries: in order, as they were written, read once.
        notes: the signed checkpoints over them, in any order, at least one.
        start: where the part begins.

    Returns:
        The last checkpoint.

    Raises:
        Refusal: `evidence-forged`, naming the entries as closely as is known.
    """
    signed = [key.verify(note) for note in notes]
    if not signed:
        raise evidence_forged("không có bản chốt nào", "there is no checkpoint")
    last = max(signed, key=lambda checkpoint: checkpoint.size)
    _refuse_return_to_old_key(signed)
    checks = _CheckpointChecks([*signed, *_predecessors_in_part(signed, start)], start.size)
    tree = start.tree(key)
    for entry in entries:
        checks.compare(tree)
        tree.append(entry)
    checks.compare(tree)
    if checks.next is not None:
        raise evidence_forged(
            f"thiếu mục: có {tree.size}, bản chốt nói {checks.next.size}",
            f"entries are missing: there are {tree.size}, a checkpoint says {checks.next.size}",
        )
    if tree.size != last.size:
        raise evidence_forged(
            f"có {tree.size - last.size} mục sau bản chốt cuối",
            f"there are {tree.size - last.size} entries after the last checkpoint",
        )
    return last


def _refuse_return_to_old_key(signed: Sequence[Checkpoint]) -> None:
    """Raise when a log that has changed its key was signed by the old one again."""
    successions: tuple[Succession, ...] = ()
    for checkpoint in sorted(signed, key=lambda one: (one.size, len(one.successions))):
        if checkpoint.successions[: len(successions)] != successions:
            raise evidence_forged(
                f"bản chốt ở mục {checkpoint.size} do khóa cũ ký sau khi nhật ký đã đổi khóa",
                f"a checkpoint at entry {checkpoint.size} is signed by an old key after the log had changed it",
            )
        successions = checkpoint.successions


class _CheckpointChecks:
    """Compares a growing tree with checkpoints, each when the tree has its size."""

    def __init__(self, checkpoints: Iterable[Checkpoint], verified_size: int) -> None:
        self._remaining: Iterator[Checkpoint] = iter(sorted(checkpoints, key=lambda checkpoint: checkpoint.size))
        self._verified_size = verified_size
        self.next: Checkpoint | None = next(self._remaining)

    def compare(self, tree: merkle.Tree) -> None:
        while self.next is not None and self.next.size == tree.size:
            if tree.root() != self.next.root:
                raise evidence_forged(
                    f"một mục từ {self._verified_size} đến {self.next.size - 1} đã bị đổi, thêm, bớt hoặc đảo chỗ",
                    f"an entry between {self._verified_size} and {self.next.size - 1} was changed, added, removed or moved",
                )
            self._verified_size, self.next = self.next.size, next(self._remaining, None)


def _predecessors_in_part(signed: Sequence[Checkpoint], start: PartStart) -> Iterable[Checkpoint]:
    """The last checkpoints under origins that a log had before, as far as they lie in the part that is verified.

    Raises:
        Refusal: `evidence-forged`, when the log went on under an origin after it had ended under it.
    """
    predecessors = {one.origin: one for checkpoint in signed for one in checkpoint.predecessors}
    for checkpoint in signed:
        end = predecessors.get(checkpoint.origin)
        if end and checkpoint.size > end.size:
            raise evidence_forged(
                f"nhật ký còn đi tiếp dưới tên {end.origin} sau khi đã kết thúc ở mục {end.size}",
                f"the log went on as {end.origin} after it had ended under that origin with entry {end.size}",
            )
    return (Checkpoint(one.origin, one.size, one.root) for one in predecessors.values() if one.size >= start.size)
