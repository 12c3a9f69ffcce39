"""The tree against its definition, and against whoever would change it."""

import contextlib
import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp_gateway.evidence.verify import merkle
from lgsp_gateway.evidence.verify.log_part import verify_log_part
from lgsp_gateway.evidence.verify.signers import Signer
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_problems import Refusal

ENTRIES = st.lists(st.binary(max_size=40).filter(lambda one: b"\n" not in one), min_size=1, max_size=70)
SIGNER = Signer("lgsp/gw-1", b"\x07" * 32)


def grown(entries: list[bytes]) -> merkle.Tree:
    tree = merkle.Tree()
    for entry in entries:
        tree.append(entry)
    return tree


def hashes(entries: list[bytes]) -> list[bytes]:
    return [merkle.leaf_hash(entry) for entry in entries]


def test_the_vectors_of_certificate_transparency() -> None:
    """The roots of the test data of RFC 6962's reference implementation."""
    entries = [bytes.fromhex(one) for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    entries.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
    assert grown(entries[:1]).root().hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert grown(entries[:2]).root().hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert grown(entries).root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert merkle.Tree().root() == hashlib.sha256().digest()


@given(ENTRIES)
def test_a_tree_grown_is_the_tree_of_its_leaves(entries: list[bytes]) -> None:
    tree = grown(entries)
    assert tree.root() == merkle.root_of(hashes(entries))
    again = merkle.Tree(tree.size, tree.compact_range)
    again.append(b"next")
    assert again.root() == grown([*entries, b"next"]).root()


@given(ENTRIES, st.data())
def test_each_entry_is_proved_and_no_other(entries: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(entries) - 1))
    leaves, root = hashes(entries), grown(entries).root()
    path = merkle.inclusion_proof(merkle.subtree_hash_from(leaves), len(leaves), index)
    assert merkle.verify_inclusion(root, len(entries), index, leaves[index], path)
    assert not merkle.verify_inclusion(root, len(entries), index, merkle.leaf_hash(entries[index] + b"x"), path)
    other = data.draw(st.integers(0, len(entries) - 1))
    if leaves[other] != leaves[index]:
        assert not merkle.verify_inclusion(root, len(entries), index, leaves[other], path)
    assert not merkle.verify_inclusion(root, len(entries), index, leaves[index], [*path, root])
    for step in range(len(path)):
        assert not merkle.verify_inclusion(root, len(entries), index, leaves[index], path[:step] + path[step + 1 :])


@given(ENTRIES, st.data())
def test_the_edge_stands_for_what_came_before(entries: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(0, len(entries) - 1))
    index = data.draw(st.integers(old, len(entries) - 1))
    leaves = hashes(entries)
    node = merkle.subtree_hash_from(leaves[old:], old, grown(entries[:old]).compact_range)
    assert merkle.inclusion_proof(node, len(entries), index) == merkle.inclusion_proof(
        merkle.subtree_hash_from(leaves), len(entries), index
    )


@given(ENTRIES, st.data())
def test_a_log_continues_what_it_was(entries: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(entries)))
    root, before = grown(entries).root(), grown(entries[:old]).root()
    path = merkle.consistency_proof(merkle.subtree_hash_from(hashes(entries)), len(entries), old)
    assert merkle.verify_consistency(before, old, root, len(entries), path)
    assert not merkle.verify_consistency(merkle.leaf_hash(b"another"), old, root, len(entries), path) or before == root
    if old < len(entries):
        assert not merkle.verify_consistency(before, old, merkle.leaf_hash(b"another"), len(entries), path)


@given(ENTRIES, st.data())
def test_whatever_is_changed_is_found(entries: list[bytes], data: st.DataObject) -> None:
    """A byte flipped, an entry dropped, inserted or moved."""
    halfway = grown(entries[: len(entries) // 2 + 1])
    tree = grown(entries)
    notes = [SIGNER.sign(one.size, one.root()) for one in (halfway, tree)]
    assert verify_log_part(entries, notes, SIGNER.key).size == len(entries)
    changed = list(entries)
    place = data.draw(st.integers(0, len(entries) - 1))
    match data.draw(st.sampled_from(["flip", "drop", "insert", "move"])):
        case "flip":
            byte = data.draw(st.integers(0, max(0, len(changed[place]) - 1)))
            changed[place] = (
                changed[place][:byte] + bytes([(changed[place] or b"a")[byte] ^ 1]) + changed[place][byte + 1 :]
            )
        case "drop":
            changed.pop(place)
        case "insert":
            changed.insert(place, data.draw(st.binary(max_size=10)))
        case "move":
            changed.append(changed.pop(place))
    if changed == entries:  # moved to where it stood
        assert verify_log_part(changed, notes, SIGNER.key).size == len(entries)
    else:
        with pytest.raises(Refusal, match="evidence") as refused:
            verify_log_part(changed, notes, SIGNER.key)
        assert refused.value.code == "evidence-forged"


def test_a_checkpoint_with_a_flipped_bit_is_forged() -> None:
    """Every bit of a note: but for the last bits of a signature's base64, which may say nothing, none can be flipped."""
    note = SIGNER.sign(3, merkle.leaf_hash(b"x")).encode()
    assert SIGNER.key.verify(note.decode()).size == 3
    taken = 0
    for byte, bit in itertools.product(range(len(note)), range(8)):
        flipped = bytearray(note)
        flipped[byte] ^= 1 << bit
        with contextlib.suppress(Refusal):
            opened = SIGNER.key.verify(flipped.decode("utf-8", "replace"))
            assert (opened.size, opened.root) == (3, merkle.leaf_hash(b"x"))
            assert byte >= note.index(b"\n\n") + 2  # what is signed was not touched
            taken += 1
    assert taken <= 8


def test_verifier_keys_are_read_as_they_are_written() -> None:
    assert VerifierKey.parse(str(SIGNER.key)) == SIGNER.key
    for broken in ("", "lgsp/gw-1", str(SIGNER.key)[:-4], str(SIGNER.key).replace("lgsp", "lgsq")):
        with pytest.raises(Refusal):
            VerifierKey.parse(broken)
