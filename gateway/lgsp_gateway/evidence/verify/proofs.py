"""What somebody outside can check without the bus: that an entry is in a log, and that a log holds all it ever held.

A proof is a small JSON document: the entry as it was written, its place, the path to the root, and a signed checkpoint.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from lgsp_contracts import entry as entries
from lgsp_gateway.evidence.verify import merkle
from lgsp_gateway.evidence.verify.checkpoint import Checkpoint, Opener, forged
from lgsp_gateway.evidence.verify.cosignature import Cosignature
from lgsp_problems import Refusal


def document(
    entry: bytes,
    index: int,
    path: Sequence[bytes],
    note: str,
    sealed: Iterable[tuple[Cosignature, Sequence[bytes]]] = (),
) -> dict[str, Any]:
    """Write the proof that an entry is in its log.

    Args:
        index: its place in the log.
        path: from it to the root.
        note: the signed checkpoint.
        sealed: cosignatures of checkpoints that cover it, each with the path to the root of its own.
    """
    return {
        "format": "lgsp-evidence-proof/1",
        "index": index,
        "entry": entry.decode(),
        "path": _encoded(path),
        "checkpoint": note,
        "seals": [{**cosignature.document(), "path": _encoded(steps)} for cosignature, steps in sealed],
    }


def _encoded(path: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(step).decode() for step in path]


def cosignatures_of(proof: Any, key: Opener) -> list[Cosignature]:
    """Read the cosignatures beside a proof, whose checkpoints must hold the entry too.

    Raises:
        Refusal: `evidence-forged`, when one does not.
    """
    found = []
    for one in proof.get("seals", []):
        try:
            cosignature = Cosignature.parse(one)
        except ValueError as error:
            raise forged("một dấu xác nhận bị hỏng", "a cosignature is broken") from error
        check({**proof, "checkpoint": cosignature.note, "path": one.get("path")}, key)
        found.append(cosignature)
    return found


def check(
    proof: Any,
    key: Opener,
    request: bytes | None = None,
    answer: bytes | None = None,
    salt: bytes | None = None,
) -> dict[str, Any]:
    """Check a proof, and return the entry that it proves.

    Args:
        request, answer: the caller's own bytes, to be held against the digests in the entry.
        salt: what the caller got in `Lgsp-Digest-Salt`; an entry without a version needs none.

    Raises:
        Refusal: `malformed`, when it is no proof; `evidence-forged`, when it proves nothing.
    """
    try:
        entry, index, note = proof["entry"].encode(), int(proof["index"]), str(proof["checkpoint"])
        path = [base64.b64decode(step, validate=True) for step in proof["path"]]
        if proof["format"] != "lgsp-evidence-proof/1" or any(len(step) != 32 for step in path):
            raise ValueError("format")
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise Refusal(
            "malformed",
            vi="Đây không phải tài liệu chứng minh của trục; hãy dùng tệp do `lgsp evidence prove -o` ghi.",
            en="This is not a proof of the bus; use a file that `lgsp evidence prove -o` wrote.",
        ) from error
    signed = key.opened(note)
    if not merkle.includes(signed.root, signed.size, index, merkle.leaf_hash(entry), path):
        raise forged("mục này không có trong cây đã ký", "the entry is not in the tree that was signed")
    found: dict[str, Any] = orjson.loads(entry)
    documents: tuple[tuple[entries.Document, bytes | None], ...] = (("request", request), ("answer", answer))
    for name, content in documents:
        if content is not None and not entries.holds(found, name, content, salt):
            raise Refusal(
                "evidence-forged",
                vi=f"Tệp --{name} không phải là nội dung của thông điệp này: mã băm khác với bằng chứng; hãy kiểm tra xem tệp có"
                " đúng từng byte như đã gửi hoặc đã nhận không, và muối có phải của chính lời gọi này không.",
                en=f"The file --{name} is not what passed in this message: its digest is another than the evidence has; see that it"
                " holds the very bytes that were sent or got, and that the salt is that of this very call.",
            )
    return found


@dataclass(frozen=True, slots=True)
class Start:
    """Where a part of a log begins: after how many entries, the compact range of their tree, and the checkpoint that covers them."""

    size: int = 0
    compact_range: tuple[bytes, ...] = ()
    note: str = ""

    def document(self) -> dict[str, Any]:
        """Write it as JSON."""
        return {"size": self.size, "edge": [one.hex() for one in self.compact_range], "checkpoint": self.note}

    @classmethod
    def parse(cls, found: Any) -> "Start":
        """Read it.

        Raises:
            Refusal: `evidence-forged`, when it is none.
        """
        try:
            return cls(int(found["size"]), tuple(map(bytes.fromhex, found["edge"])), str(found["checkpoint"]))
        except (KeyError, TypeError, ValueError) as error:
            raise forged("phần này không nói bắt đầu ở đâu", "the part does not say where it begins") from error

    def tree(self, key: Opener) -> merkle.Tree:
        """Rebuild the tree so far, as its checkpoint says it was.

        Raises:
            Refusal: `evidence-forged`.
        """
        try:
            tree = merkle.Tree(self.size, self.compact_range)
        except ValueError as error:
            raise forged("cây ở chỗ bắt đầu không đúng", "the tree at its beginning is none") from error
        if self.size:
            signed = key.opened(self.note)
            if (signed.size, signed.root) != (tree.size, tree.root()):
                raise forged("cây ở chỗ bắt đầu chưa từng được ký", "the tree at its beginning was never signed")
        return tree


WHOLE = Start()
"""A log from its first entry on."""


def verify(entries: Iterable[bytes], notes: Iterable[str], key: Opener, start: Start = WHOLE) -> Checkpoint:
    """Hold a log, or a part of one, against its checkpoints: each must be signed and fit, the last must cover all.

    Returns:
        The last checkpoint.

    Raises:
        Refusal: `evidence-forged`, naming the place as closely as it is known.
    """
    signed = [key.opened(note) for note in notes]
    if not signed:
        raise forged("không có điểm kiểm nào", "there is no checkpoint")
    opened = sorted([*signed, *_cited(signed, start)], key=lambda one: one.size)
    tree, awaited, last = start.tree(key), iter(opened), max(signed, key=lambda one: one.size)
    due: Checkpoint | None = next(awaited)
    good = start.size
    for entry in entries:
        due, good = _compare(tree, due, awaited, good)
        tree.append(entry)
    due, good = _compare(tree, due, awaited, good)
    if due is not None:
        raise forged(
            f"thiếu mục: có {tree.size}, điểm kiểm nói {due.size}",
            f"entries are missing: there are {tree.size}, a checkpoint says {due.size}",
        )
    if tree.size != last.size:
        raise forged(
            f"có {tree.size - last.size} mục sau điểm kiểm cuối",
            f"there are {tree.size - last.size} entries after the last checkpoint",
        )
    return last


def _cited(signed: Sequence[Checkpoint], start: Start) -> Iterable[Checkpoint]:
    """The last checkpoints under origins that a log had before, as far as they lie in the part that is verified.

    Raises:
        Refusal: `evidence-forged`, when the log went on under an origin after it had ended under it.
    """
    ended = {one.origin: one for checkpoint in signed for one in checkpoint.continues}
    for checkpoint in signed:
        end = ended.get(checkpoint.origin)
        if end and checkpoint.size > end.size:
            raise forged(
                f"nhật ký còn đi tiếp dưới tên {end.origin} sau khi đã kết thúc ở mục {end.size}",
                f"the log went on as {end.origin} after it had ended under that origin with entry {end.size}",
            )
    return (Checkpoint(one.origin, one.size, one.root) for one in ended.values() if one.size >= start.size)


def _compare(tree: merkle.Tree, due: Checkpoint | None, awaited: Any, good: int) -> tuple[Checkpoint | None, int]:
    while due is not None and due.size == tree.size:
        if tree.root() != due.root:
            raise forged(
                f"một mục từ {good} đến {due.size - 1} đã bị đổi, thêm, bớt hoặc đảo chỗ",
                f"an entry between {good} and {due.size - 1} was changed, added, removed or moved",
            )
        good, due = due.size, next(awaited, None)
    return due, good
