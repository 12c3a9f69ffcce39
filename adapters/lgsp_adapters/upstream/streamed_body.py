"""A body with files of the bus in it: its length is known before it is sent, and its content passes in pieces."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from lgsp_adapters.adapter import BusFiles, Call
from lgsp_adapters.upstream.request_body import FilePart, quoted


class StreamedBody(NamedTuple):
    """A body that may be sent more than once, from its beginning.

    Args:
        length: bytes in all.
    """

    pieces: list[bytes | FilePart]
    length: int
    files: BusFiles
    call: Call

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the body.

        Raises:
            UpstreamFailed, UpstreamLate: a file cannot be read.
        """
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                async for part in self.files.stream(piece.reference, self.call):
                    yield part


async def open_body(content: list[bytes | FilePart], files: BusFiles, call: Call) -> StreamedBody:
    """Look up the files of a body: their sizes, and their names and types where the manifest gives none.

    Raises:
        UpstreamFailed, UpstreamLate: a file cannot be read.
    """
    pieces: list[bytes | FilePart] = []
    length = 0
    for piece in content:
        if isinstance(piece, FilePart):
            facts = await files.describe(piece.reference, call)
            if piece.head is not None:
                head = piece.head
                if not piece.has_name and facts.name:
                    first, *rest = head.split("\r\n")
                    head = "\r\n".join([f'{first}; filename="{quoted(facts.name)}"', *rest])
                if not piece.has_type:
                    head += f"\r\nContent-Type: {facts.media_type}"
                encoded = f"{head}\r\n\r\n".encode()
                pieces.append(encoded)
                length += len(encoded)
            length += facts.size
        else:
            length += len(piece)
        pieces.append(piece)
    return StreamedBody(pieces, length, files, call)
