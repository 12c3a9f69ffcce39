"""Reads the body of an answer up to a limit."""

from aiohttp import StreamReader


async def read_up_to(limit: int, body: StreamReader) -> bytes:
    """Return a body in bytes; of one with more than `limit`, more than so many and not all.

    Raises:
        aiohttp.ClientError: it was cut off.
    """
    pieces: list[bytes] = []
    left = limit + 1
    while left > 0 and (piece := await body.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
