"""What reading the logs needs beside the stream: archives, an index, and the cosignatures.

They are declared here as protocols, so that reading imports none of the packages that provide them.
"""

from typing import Protocol

from nats.aio.client import Client

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.read.archive_name import ArchiveName
from lgsp_gateway.evidence.read.log_position import LogPosition
from lgsp_gateway.evidence.verify.cosignature import Cosignature


class ArchivedLogs(Protocol):
    """The archives of logs.

    Raises:
        Refusal: `archive-unavailable`, in each method.
    """

    def names(self, gateway: GatewayName | None = None) -> list[ArchiveName]:
        """List the archives of one log or of all, in order."""

    def read(self, name: ArchiveName, begin: int, end: int) -> list[bytes]:
        """Read the entries of an archive from one index of the log up to, but not with, another."""


class IndexedLogs(Protocol):
    """The positions and Merkle trees that an index holds of the logs.

    Raises:
        Refusal: `index-unavailable`, in each method.
    """

    async def position_of(self, message: str) -> LogPosition | None:
        """Find where the entry of a message stands; the last one, where its answer was withheld; None where it is not indexed."""

    async def size_of(self, gateway: GatewayName) -> int:
        """Count the entries of a log that are indexed."""

    async def inclusion_proof(self, gateway: GatewayName, size: int, leaf: int) -> list[bytes]:
        """Return the inclusion proof of a leaf in the tree over the first `size` entries of a log."""

    async def consistency_proof(self, gateway: GatewayName, old: int, new: int) -> list[bytes]:
        """Return the proof that a log of `new` entries begins with the one of `old`."""


class CosignatureReader(Protocol):
    """Reads the newest cosignature of each witness of a log, and its newest timestamp."""

    async def __call__(self, connection: Client, gateway: GatewayName, /) -> list[Cosignature]:
        """Read them from their stream."""
