"""The Merkle trees of the logs, kept so that a proof reads a few tiles and not the whole log.

A tile holds 256 hashes side by side, as in C2SP `tlog-tiles`. Nothing here is trusted: a proof made from tiles is held
against the signed checkpoint before anybody gets it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_gateway.evidence.search import schema
from lgsp_gateway.evidence.search.database import upsert
from lgsp_gateway.evidence.search.decode import Entry
from lgsp_gateway.evidence.verify import merkle

WIDTH_BITS = 8
WIDTH = 1 << WIDTH_BITS
HASH = 32

Name = tuple[int, int]
"""Level and number of a tile."""


async def grow(connection: AsyncConnection, numbers: dict[str, int], entries: Sequence[Entry]) -> list[int]:
    """Add entries to the trees of their logs: the leaf that each became."""
    new: dict[int, list[bytes]] = defaultdict(list)
    for entry in entries:
        new[numbers[entry.gateway]].append(entry.leaf_hash)
    sizes: dict[int, int] = {}
    for gateway, hashes in new.items():
        sizes[gateway] = await size_of(connection, gateway)
        await _grow_one(connection, gateway, sizes[gateway], hashes)
    leaves = []
    for entry in entries:
        gateway = numbers[entry.gateway]
        leaves.append(sizes[gateway])
        sizes[gateway] += 1
    return leaves


async def size_of(connection: AsyncConnection, gateway: int) -> int:
    """Count the leaves of a log in the index."""
    found = await connection.execute(select(schema.logs.c.size).where(schema.logs.c.gateway == gateway))
    return int(found.scalar() or 0)


async def _grow_one(connection: AsyncConnection, gateway: int, size: int, hashes: list[bytes]) -> None:
    changed: dict[Name, bytes] = {}
    log = {"gateway": gateway, "size": size + len(hashes)}
    level, at = 0, size
    while hashes:
        first = at // WIDTH
        begun = (await _read(connection, gateway, [(level, first)])).get((level, first), b"") if at % WIDTH else b""
        row, full = begun + b"".join(hashes), []
        for n in range(0, len(row), WIDTH * HASH):
            tile = row[n : n + WIDTH * HASH]
            changed[level, first + n // (WIDTH * HASH)] = tile
            if len(tile) == WIDTH * HASH:
                full.append(merkle.root_of(_hashes(tile)))
        level, at, hashes = level + 1, first, full
    rows = [{"gateway": gateway, "level": lv, "number": n, "hashes": tile} for (lv, n), tile in changed.items()]
    await upsert(connection, schema.tiles, rows)
    await upsert(connection, schema.logs, [log])


async def _read(connection: AsyncConnection, gateway: int, wanted: Iterable[Name]) -> dict[Name, bytes]:
    columns = schema.tiles.c
    among = tuple_(columns.level, columns.number).in_(list(wanted))
    query = select(columns.level, columns.number, columns.hashes).where(columns.gateway == gateway, among)
    return {(level, number): hashes for level, number, hashes in await connection.execute(query)}


async def inclusion_proof(connection: AsyncConnection, gateway: int, size: int, leaf: int) -> list[bytes]:
    """Find the path that shows that a leaf is in the first `size` leaves of a log."""
    return await _made(connection, gateway, lambda node: merkle.inclusion_proof(node, size, leaf))


async def consistency_proof(connection: AsyncConnection, gateway: int, old: int, new: int) -> list[bytes]:
    """Find the path that shows that a log of `new` leaves begins with the one of `old`."""
    return await _made(connection, gateway, lambda node: merkle.consistency_proof(node, new, old))


async def _made(
    connection: AsyncConnection, gateway: int, proof: Callable[[merkle.SubtreeHash], list[bytes]]
) -> list[bytes]:
    """A proof in two walks: the first tells which parts of the tree it needs, the second has them."""
    parts: list[tuple[int, int]] = []

    def noted(begin: int, end: int) -> bytes:
        parts.extend(_full_subtrees(begin, end))
        return b""

    proof(noted)
    held = await _read(connection, gateway, {_tile_of(level, number)[0] for level, number in parts})

    def node(begin: int, end: int) -> bytes:
        found = b""
        for level, number in reversed(_full_subtrees(begin, end)):
            name, first = _tile_of(level, number)
            some = _hashes(held.get(name, b""))[first : first + (1 << level % WIDTH_BITS)]
            root = merkle.root_of(some)
            found = merkle.node_hash(root, found) if found else root
        return found

    return proof(node)


def _full_subtrees(begin: int, end: int) -> list[Name]:
    """The full subtrees that a stretch of leaves falls into, the largest first: level in the binary tree, number there."""
    found = []
    while begin < end:
        level = min((begin & -begin).bit_length() - 1 if begin else 64, (end - begin).bit_length() - 1)
        found.append((level, begin >> level))
        begin += 1 << level
    return found


def _tile_of(level: int, number: int) -> tuple[Name, int]:
    """The tile that holds what lies under a full subtree, and where in it that begins."""
    first = number << level % WIDTH_BITS
    return (level // WIDTH_BITS, first // WIDTH), first % WIDTH


def _hashes(tile: bytes) -> list[bytes]:
    return [tile[n : n + HASH] for n in range(0, len(tile), HASH)]
