"""nats-py's transport, whose stream knows that it runs over TLS, and which answers pings while it is being connected.

nats-py (2.16) takes the first line after its own PING for the answer. A server that pings every second asks first where it takes longer to
find out who this is (auth callout); then a user that was refused after that would have been connected for a moment.

nats-py upgrades a connection with a stream that believes it is plain TCP. At its end that stream asks to stay half open, which TLS
cannot, and asyncio warns of it on stderr, in the midst of what a command says.
"""

import asyncio
import ssl
from urllib.parse import ParseResult

from nats.aio.transport import TcpTransport

from lgsp_runtime.nats.protocol import PING, PONG


class _TlsStream(asyncio.StreamReaderProtocol):
    def eof_received(self) -> bool:
        super().eof_received()
        return False


class TlsTransport(TcpTransport):
    """A TCP connection that may be upgraded to TLS.

    Args:
        plain: the connection as nats-py has made it.
    """

    def __init__(self, plain: TcpTransport) -> None:
        self._bare_io_reader, self._io_reader = plain._bare_io_reader, plain._io_reader
        self._bare_io_writer, self._io_writer = plain._bare_io_writer, plain._io_writer

    async def connect_tls(
        self, uri: str | ParseResult, ssl_context: ssl.SSLContext, buffer_size: int, connect_timeout: int
    ) -> None:
        """Upgrade the connection.

        Args:
            uri: the name that the certificate must have, or an address that contains it.
            buffer_size: in bytes, up to which is read ahead.
            connect_timeout: in seconds.

        Raises:
            OSError, TimeoutError: the handshake failed.
        """
        assert self._io_writer, "connect comes first"
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=buffer_size)
        stream = _TlsStream(reader)
        name = uri if isinstance(uri, str) else uri.hostname
        upgrade = loop.start_tls(self._io_writer.transport, stream, ssl_context, server_hostname=name)
        transport = await asyncio.wait_for(upgrade, connect_timeout)
        assert transport
        self._io_reader, self._io_writer = reader, asyncio.StreamWriter(transport, stream, reader, loop)

    async def readline(self) -> bytes:
        """Return the next line of the handshake; a PING is answered."""
        while True:
            line: bytes = await super().readline()  # type: ignore[no-untyped-call]
            if line != PING:
                return line
            self.write(PONG)  # type: ignore[no-untyped-call]
