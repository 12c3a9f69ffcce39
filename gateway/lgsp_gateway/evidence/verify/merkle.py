"""The Merkle tree of RFC 6962: hashes, a tree that only grows, and the proofs that an outsider checks.

A tree that grows needs of all its leaves no more than one hash for each bit of its size (`Tree`). Proofs are made from the
roots of parts of it (`inclusion`, `consistency`), and checked with the algorithms of RFC 9162, section 2.1.3 and 2.1.4.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

EMPTY = hashlib.sha256().digest()
"""The root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that only grows.

    Args:
        size: how many leaves it has already.
        compact_range: the roots of its full subtrees, the largest first: one for each bit of `size` that is set.

    Raises:
        ValueError: size and compact range do not belong together.
    """

    def __init__(self, size: int = 0, compact_range: Iterable[bytes] = ()) -> None:
        self.size = size
        self._compact_range = list(compact_range)
        if (
            size < 0
            or len(self._compact_range) != size.bit_count()
            or any(len(one) != 32 for one in self._compact_range)
        ):
            raise ValueError("the compact range does not belong to a tree of this size")

    @property
    def compact_range(self) -> tuple[bytes, ...]:
        """Return what it takes to go on from here: the roots of the full subtrees, the largest first."""
        return tuple(self._compact_range)

    def append(self, entry: bytes) -> None:
        """Add a leaf."""
        found, size, compact_range = hashlib.sha256(b"\x00" + entry).digest(), self.size, self._compact_range
        while size & 1:
            found = hashlib.sha256(b"\x01" + compact_range.pop() + found).digest()
            size >>= 1
        compact_range.append(found)
        self.size += 1

    def root(self) -> bytes:
        """Compute the root, which stands for all leaves and their order."""
        if not self._compact_range:
            return EMPTY
        found = self._compact_range[-1]
        for left in reversed(self._compact_range[:-1]):
            found = node_hash(left, found)
        return found


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Compute the root of a tree from the hashes of its leaves."""
    level = list(leaves)
    while len(level) > 1:
        paired = [node_hash(level[n], level[n + 1]) for n in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) & ~1 :]
    return level[0] if level else EMPTY


Node = Callable[[int, int], bytes]
"""The root of the leaves from one place up to another."""


def node_from(leaves: Sequence[bytes], size: int = 0, compact_range: Sequence[bytes] = ()) -> Node:
    """Make a `Node` where the hashes of all leaves are at hand, or of those that came after a tree of which only the compact range is known."""
    known: dict[tuple[int, int], bytes] = {}
    begin = 0
    for place, root in zip(
        (bit for bit in range(size.bit_length() - 1, -1, -1) if size >> bit & 1), compact_range, strict=True
    ):
        known[begin, begin + (1 << place)] = root
        begin += 1 << place

    def node(begin: int, end: int) -> bytes:
        if begin >= size:
            return root_of(leaves[begin - size : end - size])
        if (begin, end) in known:
            return known[begin, end]
        split = begin + _split(end - begin)
        return node_hash(node(begin, split), node(split, end))

    return node


def inclusion(node: Node, size: int, index: int) -> list[bytes]:
    """Find the path that shows that a leaf is in a tree of `size` leaves.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise IndexError(index)
    begin, end, path = 0, size, []
    while end - begin > 1:
        split = begin + _split(end - begin)
        if index < split:
            path.append(node(split, end))
            end = split
        else:
            path.append(node(begin, split))
            begin = split
    return path[::-1]


def consistency(node: Node, size: int, old: int) -> list[bytes]:
    """Find the path that shows that the first `old` leaves of a tree of `size` are those of an earlier tree.

    Raises:
        IndexError: the tree was never that small or is not that large.
    """
    if not 0 < old <= size:
        raise IndexError(old)
    begin, end, path = 0, size, []
    while old != end:
        split = begin + _split(end - begin)
        if old <= split:
            path.append(node(split, end))
            end = split
        else:
            path.append(node(begin, split))
            begin = split
    return ([node(begin, end)] if begin else []) + path[::-1]


def includes(root: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Tell whether a path leads from a leaf to the root? (RFC 9162, 2.1.3.2)"""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def continues(old_root: bytes, old_size: int, root: bytes, size: int, path: Sequence[bytes]) -> bool:
    """Tell whether a tree continues an earlier one? (RFC 9162, 2.1.4.2)"""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not path and old_root == root
    steps = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    if not steps:
        return False
    at, last = old_size - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old, new = steps[0], steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def _split(size: int) -> int:
    """The largest power of two smaller than the size."""
    return 1 << ((size - 1).bit_length() - 1)
