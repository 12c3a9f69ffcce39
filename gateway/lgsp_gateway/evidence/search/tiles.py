"""The Merkle trees of the logs in tiles, so that a proof reads a few tiles and not the whole log.

A tile holds up to 256 hashes of one level side by side, as in C2SP `tlog-tiles`. Nothing here is trusted: a proof made from tiles is
checked against the signed checkpoint before it is returned to anybody.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_gateway.evidence.search import schema
from lgsp_gateway.evidence.search.database import upsert
from lgsp_gateway.evidence.search.decode import Entry
from lgsp_gateway.evidence.verify import merkle

TILE_HEIGHT = 8
"""Levels of the binary tree in one tile."""
TILE_WIDTH = 1 << TILE_HEIGHT
"""Hashes in a full tile."""
HASH_BYTES = 32

Coordinates = tuple[int, int]
"""Level and index: of a tile among the tiles, or of a perfect subtree in the binary tree."""


async def append(connection: AsyncConnection, numbers: dict[str, int], entries: Sequence[Entry]) -> list[int]:
    """Append entries to the trees of their logs.

    Args:
        numbers: of the gateways in the database.

    Returns:
        The index in its log of each entry.
    """
    new: dict[int, list[bytes]] = defaultdict(list)
    for entry in entries:
        new[numbers[entry.gateway]].append(entry.leaf_hash)
    sizes: dict[int, int] = {}
    for gateway, hashes in new.items():
        sizes[gateway] = await size_of(connection, gateway)
        await _append_to_log(connection, gateway, sizes[gateway], hashes)
    leaves = []
    for entry in entries:
        gateway = numbers[entry.gateway]
        leaves.append(sizes[gateway])
        sizes[gateway] += 1
    return leaves


async def size_of(connection: AsyncConnection, gateway: int) -> int:
    """Return how many leaves of a log are in the index.

    Args:
        gateway: its number in the database.
    """
    size = await connection.execute(select(schema.logs.c.size).where(schema.logs.c.gateway == gateway))
    return int(size.scalar() or 0)


async def _append_to_log(connection: AsyncConnection, gateway: int, size: int, hashes: list[bytes]) -> None:
    changed: dict[Coordinates, bytes] = {}
    log = {"gateway": gateway, "size": size + len(hashes)}
    level, index = 0, size
    while hashes:
        first = index // TILE_WIDTH
        partial = (
            (await _read_tiles(connection, gateway, [(level, first)])).get((level, first), b"")
            if index % TILE_WIDTH
            else b""
        )
        row, full_tile_roots = partial + b"".join(hashes), []
        for n in range(0, len(row), TILE_WIDTH * HASH_BYTES):
            tile = row[n : n + TILE_WIDTH * HASH_BYTES]
            changed[level, first + n // (TILE_WIDTH * HASH_BYTES)] = tile
            if len(tile) == TILE_WIDTH * HASH_BYTES:
                full_tile_roots.append(merkle.root_of(_split_tile(tile)))
        level, index, hashes = level + 1, first, full_tile_roots
    rows = [{"gateway": gateway, "level": lv, "number": n, "hashes": tile} for (lv, n), tile in changed.items()]
    await upsert(connection, schema.tiles, rows)
    await upsert(connection, schema.logs, [log])


async def _read_tiles(
    connection: AsyncConnection, gateway: int, tiles: Iterable[Coordinates]
) -> dict[Coordinates, bytes]:
    columns = schema.tiles.c
    requested = tuple_(columns.level, columns.number).in_(list(tiles))
    query = select(columns.level, columns.number, columns.hashes).where(columns.gateway == gateway, requested)
    return {(level, number): hashes for level, number, hashes in await connection.execute(query)}


async def inclusion_proof(connection: AsyncConnection, gateway: int, size: int, leaf: int) -> list[bytes]:
    """Return the inclusion proof of a leaf in the tree over the first `size` leaves of a log (RFC 6962)."""
    return await _make_proof(connection, gateway, lambda subtree_hash: merkle.inclusion_proof(subtree_hash, size, leaf))


async def consistency_proof(connection: AsyncConnection, gateway: int, old: int, new: int) -> list[bytes]:
    """Return the proof that a log of `new` leaves begins with the one of `old` (RFC 6962)."""
    return await _make_proof(connection, gateway, lambda subtree_hash: merkle.consistency_proof(subtree_hash, new, old))


async def _make_proof(
    connection: AsyncConnection, gateway: int, proof: Callable[[merkle.SubtreeHash], list[bytes]]
) -> list[bytes]:
    """Make a proof in two passes: the first finds which subtrees it needs, the second has read them."""
    subtrees: list[Coordinates] = []

    def record_subtrees(begin: int, end: int) -> bytes:
        subtrees.extend(_perfect_subtrees(begin, end))
        return b""

    proof(record_subtrees)
    tiles = await _read_tiles(connection, gateway, {_tile_of(level, index)[0] for level, index in subtrees})

    def subtree_hash(begin: int, end: int) -> bytes:
        root = b""
        for level, index in reversed(_perfect_subtrees(begin, end)):
            tile, first = _tile_of(level, index)
            hashes = _split_tile(tiles.get(tile, b""))[first : first + (1 << level % TILE_HEIGHT)]
            left = merkle.root_of(hashes)
            root = merkle.node_hash(left, root) if root else left
        return root

    return proof(subtree_hash)


def _perfect_subtrees(begin: int, end: int) -> list[Coordinates]:
    """Divide a range of leaves into perfect subtrees, from left to right."""
    subtrees = []
    while begin < end:
        level = min((begin & -begin).bit_length() - 1 if begin else 64, (end - begin).bit_length() - 1)
        subtrees.append((level, begin >> level))
        begin += 1 << level
    return subtrees


def _tile_of(level: int, index: int) -> tuple[Coordinates, int]:
    """Return the tile that holds the hashes under a perfect subtree, and the index in the tile of the first of them."""
    first = index << level % TILE_HEIGHT
    return (level // TILE_HEIGHT, first // TILE_WIDTH), first % TILE_WIDTH


def _split_tile(tile: bytes) -> list[bytes]:
    return [tile[n : n + HASH_BYTES] for n in range(0, len(tile), HASH_BYTES)]
