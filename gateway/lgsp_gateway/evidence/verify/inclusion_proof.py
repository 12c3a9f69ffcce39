"""Proofs that one entry is in a log, for somebody outside who has a public key and no access to the bus.

A proof is a small JSON document: the entry as it was written, its index, its inclusion proof, and a signed checkpoint.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from lgsp_contracts import entry as entries
from lgsp_gateway.evidence.verify import merkle
from lgsp_gateway.evidence.verify.checkpoint import CheckpointVerifier
from lgsp_gateway.evidence.verify.cosignature import Cosignature
from lgsp_gateway.evidence.verify.refusals import evidence_forged
from lgsp_problems import EvidenceForged, Refusal

FORMAT = "lgsp-evidence-proof/1"


def proof_document(
    entry: bytes,
    index: int,
    path: Sequence[bytes],
    note: str,
    cosignatures: Iterable[tuple[Cosignature, Sequence[bytes]]] = (),
) -> dict[str, Any]:
    """Return the JSON document that proves that an entry is in its log.

    Args:
        entry: as it was written, byte for byte.
        index: of its leaf in the log, from 0.
        path: its inclusion proof in the tree of the checkpoint.
        note: the signed checkpoint.
        cosignatures: of checkpoints that cover the entry, each with the inclusion proof in the tree of its own checkpoint.
    """
    return {
        "format": FORMAT,
        "index": index,
        "entry": entry.decode(),
        "path": _encode_path(path),
        "checkpoint": note,
        "seals": [{**cosignature.document(), "path": _encode_path(steps)} for cosignature, steps in cosignatures],
    }


def _encode_path(path: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(step).decode() for step in path]


def verify_proof(
    proof: Any,
    key: CheckpointVerifier,
    request: bytes | None = None,
    answer: bytes | None = None,
    salt: bytes | None = None,
) -> dict[str, Any]:
    """Check a proof, and return the entry that it proves.

    Args:
        proof: as `proof_document` returned it.
        key: verifies its checkpoint.
        request, answer: the caller's own bytes, to be held against the digests in the entry.
        salt: what the caller got in `Lgsp-Digest-Salt`; an entry without a version needs none.

    Raises:
        Refusal: `malformed`, when it is no proof; `evidence-forged`, when it proves nothing.
    """
    try:
        line, index, note = proof["entry"].encode(), int(proof["index"]), str(proof["checkpoint"])
        path = [base64.b64decode(step, validate=True) for step in proof["path"]]
        if proof["format"] != FORMAT or any(len(step) != 32 for step in path):
            raise ValueError("format")
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise Refusal(
            "malformed",
            vi="Đây không phải tài liệu chứng minh của trục; hãy dùng tệp do `lgsp evidence prove -o` ghi.",
            en="This is not a proof of the bus; use a file that `lgsp evidence prove -o` wrote.",
        ) from error
    checkpoint = key.verify(note)
    if not merkle.verify_inclusion(checkpoint.root, checkpoint.size, index, merkle.leaf_hash(line), path):
        raise evidence_forged("mục này không có trong cây đã ký", "the entry is not in the tree that was signed")
    entry: dict[str, Any] = orjson.loads(line)
    documents: tuple[tuple[entries.Document, bytes | None], ...] = (("request", request), ("answer", answer))
    for name, content in documents:
        if content is not None and not entries.holds(entry, name, content, salt):
            raise EvidenceForged(
                vi=f"Tệp --{name} không phải là nội dung của thông điệp này: mã băm khác với bằng chứng; hãy kiểm tra xem tệp có"
                " đúng từng byte như đã gửi hoặc đã nhận không, và muối có phải của chính lời gọi này không.",
                en=f"The file --{name} is not what passed in this message: its digest is another than the evidence has; see that it"
                " holds the very bytes that were sent or got, and that the salt is that of this very call.",
            )
    return entry


def verify_cosignatures(proof: Any, key: CheckpointVerifier) -> list[Cosignature]:
    """Check that the checkpoints of a proof's cosignatures hold its entry too, and return the cosignatures.

    Who cosigned is not checked here: that takes the keys of the witnesses.

    Raises:
        Refusal: `evidence-forged`, when `seals` is no list of cosignatures, or one of the checkpoints does not hold the entry.
    """
    members = proof.get("seals", [])
    if not isinstance(members, list):
        raise evidence_forged("danh sách dấu xác nhận bị hỏng", "the list of cosignatures is broken")
    cosignatures = []
    for member in members:
        try:
            cosignature = Cosignature.parse(member)
        except ValueError as error:
            raise evidence_forged("một dấu xác nhận bị hỏng", "a cosignature is broken") from error
        verify_proof({**proof, "checkpoint": cosignature.note, "path": member.get("path")}, key)
        cosignatures.append(cosignature)
    return cosignatures
