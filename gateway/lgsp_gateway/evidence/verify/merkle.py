"""The Merkle tree of RFC 6962: hashes, a tree that only grows, and the proofs that an outsider checks.

Whoever writes a log needs of all its leaves no more than the compact range, one hash for each bit of the size (`Tree`). Proofs are
made from the hashes of subtrees (`inclusion_proof`, `consistency_proof`), wherever those come from, and checked with the algorithms
of RFC 9162, sections 2.1.3 and 2.1.4.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

EMPTY_ROOT = hashlib.sha256().digest()
"""The root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 over a zero byte and the entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 over a one byte and the hashes of its children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that only grows.

    Args:
        size: how many leaves it has already.
        compact_range: the roots of its perfect subtrees, the largest first: one for each bit of `size` that is set.

    Raises:
        ValueError: size and compact range do not belong together.
    """

    def __init__(self, size: int = 0, compact_range: Iterable[bytes] = ()) -> None:
        self.size = size
        self._compact_range = list(compact_range)
        if (
            size < 0
            or len(self._compact_range) != size.bit_count()
            or any(len(root) != 32 for root in self._compact_range)
        ):
            raise ValueError("the compact range does not belong to a tree of this size")

    @property
    def compact_range(self) -> tuple[bytes, ...]:
        """Return the roots of the perfect subtrees, the largest first: with the size, all that it takes to append to the tree."""
        return tuple(self._compact_range)

    def append(self, entry: bytes) -> None:
        """Add a leaf."""
        subtree, size, compact_range = hashlib.sha256(b"\x00" + entry).digest(), self.size, self._compact_range
        while size & 1:
            subtree = hashlib.sha256(b"\x01" + compact_range.pop() + subtree).digest()
            size >>= 1
        compact_range.append(subtree)
        self.size += 1

    def root(self) -> bytes:
        """Return the root, 32 bytes, which stands for all leaves and their order."""
        if not self._compact_range:
            return EMPTY_ROOT
        root = self._compact_range[-1]
        for left in reversed(self._compact_range[:-1]):
            root = node_hash(left, root)
        return root


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root of the tree over leaves whose hashes are given."""
    level = list(leaf_hashes)
    while len(level) > 1:
        parents = [node_hash(level[n], level[n + 1]) for n in range(0, len(level) - 1, 2)]
        level = parents + level[len(level) & ~1 :]
    return level[0] if level else EMPTY_ROOT


SubtreeHash = Callable[[int, int], bytes]
"""Returns the root over the leaves from one index up to, but not with, another: `MTH(D[begin:end])` of RFC 6962."""


def subtree_hash_from(leaf_hashes: Sequence[bytes], size: int = 0, compact_range: Sequence[bytes] = ()) -> SubtreeHash:
    """Make a `SubtreeHash` from the hashes of leaves.

    Args:
        leaf_hashes: of all leaves, or of those after the first `size`.
        size: how many leaves come before those.
        compact_range: of the tree over the leaves before, the largest subtree first; smaller parts of it are not known.
    """
    subtrees_before: dict[tuple[int, int], bytes] = {}
    begin = 0
    levels = (level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1)
    for level, root in zip(levels, compact_range, strict=True):
        subtrees_before[begin, begin + (1 << level)] = root
        begin += 1 << level

    def subtree_hash(begin: int, end: int) -> bytes:
        if begin >= size:
            return root_of(leaf_hashes[begin - size : end - size])
        if (begin, end) in subtrees_before:
            return subtrees_before[begin, end]
        split = begin + _largest_power_of_two_below(end - begin)
        return node_hash(subtree_hash(begin, split), subtree_hash(split, end))

    return subtree_hash


def inclusion_proof(subtree_hash: SubtreeHash, size: int, index: int) -> list[bytes]:
    """Return the inclusion proof (RFC 6962, 2.1.1) of a leaf: hashes from the leaf's sibling up to the root.

    Args:
        size: leaves of the tree.
        index: of the leaf, from 0.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise IndexError(index)
    begin, end, path = 0, size, []
    while end - begin > 1:
        split = begin + _largest_power_of_two_below(end - begin)
        if index < split:
            path.append(subtree_hash(split, end))
            end = split
        else:
            path.append(subtree_hash(begin, split))
            begin = split
    return path[::-1]


def consistency_proof(subtree_hash: SubtreeHash, size: int, old: int) -> list[bytes]:
    """Return the proof (RFC 6962, 2.1.2) that the first `old` leaves of a tree of `size` are those of an earlier tree.

    Raises:
        IndexError: the tree was never that small or is not that large.
    """
    if not 0 < old <= size:
        raise IndexError(old)
    begin, end, path = 0, size, []
    while old != end:
        split = begin + _largest_power_of_two_below(end - begin)
        if old <= split:
            path.append(subtree_hash(split, end))
            end = split
        else:
            path.append(subtree_hash(begin, split))
            begin = split
    return ([subtree_hash(begin, end)] if begin else []) + path[::-1]


def verify_inclusion(root: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Tell whether an inclusion proof leads from a leaf to the root (RFC 9162, 2.1.3.2).

    Args:
        size: leaves of the tree.
        index: of the leaf, from 0.
        leaf: its hash.
    """
    if not 0 <= index < size:
        return False
    node, last, computed_root = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            computed_root = node_hash(step, computed_root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed_root = node_hash(computed_root, step)
        node, last = node >> 1, last >> 1
    return last == 0 and computed_root == root


def verify_consistency(old_root: bytes, old_size: int, root: bytes, size: int, path: Sequence[bytes]) -> bool:
    """Tell whether a consistency proof shows that a tree begins with an earlier one (RFC 9162, 2.1.4.2)."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not path and old_root == root
    steps = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    if not steps:
        return False
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    computed_old_root, computed_root = steps[0], steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            computed_old_root, computed_root = node_hash(step, computed_old_root), node_hash(step, computed_root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed_root = node_hash(computed_root, step)
        node, last = node >> 1, last >> 1
    return last == 0 and computed_old_root == old_root and computed_root == root


def _largest_power_of_two_below(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)
