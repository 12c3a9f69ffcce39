"""What the bus knows of a file, beside its content."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import orjson

from lgsp_contracts.names import AgencyCode, SystemName

FileState = Literal["uploading", "scanning", "available", "quarantined", "expired"]
"""`uploading`: parts are missing; `scanning`: all is here, and hash, type and scan are pending; `available`: it may be passed on and
read; `quarantined`: nobody may read it; `expired`: its content is deleted."""

QuarantineReason = Literal["", "malware", "type-mismatch", "executable", "hash-mismatch", "damaged", "not-scannable"]


class Segment(NamedTuple):
    """Chunks from a number on, until the next segment begins, that were written under one number of a writer."""

    first_chunk: int
    writer: int


class Lease(NamedTuple):
    """Who may write an upload now.

    Args:
        writer: a number that grows with each request that writes; it is part of the names of the chunks.
        until: seconds since 1970; 0 where nobody writes.
    """

    writer: int = 0
    until: float = 0.0


NOBODY = Lease()


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file.

    Args:
        id: UUIDv7.
        owner: the system that uploads it.
        agency: of the owner, whose quota it counts for.
        name: as the owner gave it; may be empty, and may hold personal data.
        media_type: as the owner gave it, and as the bytes confirm.
        size: bytes that it has when it is whole.
        declared_sha256: in hex, as the owner gave it; may be empty.
        created_at, expires_at: seconds since 1970.
        wrapped_key: the key of the content, encrypted with a key of the bus.
        chunk_bytes: bytes of content in each chunk but the last.
        offset: bytes that are stored.
        segments: which writer wrote which chunks.
        sha256: of the content, in hex; empty before it is whole.
        bound: whether a message or an event refers to it, so that its owner may no longer delete it.
        revision: of the record in its stream; 0 for one that is not stored yet.
        officer: the opaque id of the officer who uploads it by the form system of an agency; "" where a system does by itself.
        through: the system that had signed the officer in; "" for none.
    """

    id: str
    owner: SystemName
    agency: AgencyCode
    name: str
    media_type: str
    size: int
    declared_sha256: str
    created_at: float
    expires_at: float
    wrapped_key: bytes
    chunk_bytes: int
    state: FileState = "uploading"
    offset: int = 0
    segments: tuple[Segment, ...] = ()
    lease: Lease = NOBODY
    sha256: str = ""
    reason: QuarantineReason = ""
    bound: bool = False
    revision: int = 0
    officer: str = ""
    through: str = ""

    def belongs_to(self, system: str, officer: str) -> bool:
        """Tell whether a system uploads it by itself, or an officer (the opaque id) by a form system."""
        return self.owner == system and self.officer == officer

    @property
    def chunks(self) -> int:
        """Return the number of chunks that hold what is stored."""
        return -(-self.offset // self.chunk_bytes)

    def chunk_name(self, number: int) -> str:
        """Return the name of a chunk in the store: its number, and that of its writer."""
        writer = next(segment.writer for segment in reversed(self.segments) if segment.first_chunk <= number)
        return f"{number}.{writer}"

    def segments_from(self, chunk: int, writer: int) -> tuple[Segment, ...]:
        """Return the segments after a writer has begun at a chunk."""
        kept = tuple(segment for segment in self.segments if segment.first_chunk < chunk)
        return (*kept, Segment(chunk, writer))

    def document(self) -> dict[str, Any]:
        """Return what its owner and operators may see, as JSON."""
        shown = {
            "id": self.id,
            "href": f"/files/{self.id}",
            "owner": self.owner,
            "agency": self.agency,
            "name": self.name,
            "mediaType": self.media_type,
            "size": self.size,
            "offset": self.offset,
            "state": self.state,
            "bound": self.bound,
            "createdAt": _iso(self.created_at),
            "expiresAt": _iso(self.expires_at),
        }
        if self.sha256:
            shown["sha256"] = self.sha256
        if self.reason:
            shown["reason"] = self.reason
        return shown

    def encode(self) -> bytes:
        """Serialise for the stream."""
        return orjson.dumps(
            {
                "v": 1,
                "id": self.id,
                "owner": self.owner,
                "agency": self.agency,
                "name": self.name,
                "mediaType": self.media_type,
                "size": self.size,
                "declaredSha256": self.declared_sha256,
                "createdAt": self.created_at,
                "expiresAt": self.expires_at,
                "wrappedKey": self.wrapped_key.hex(),
                "chunkBytes": self.chunk_bytes,
                "state": self.state,
                "offset": self.offset,
                "segments": [list(segment) for segment in self.segments],
                "lease": list(self.lease),
                "sha256": self.sha256,
                "reason": self.reason,
                "bound": self.bound,
                **({"officer": self.officer} if self.officer else {}),
                **({"through": self.through} if self.through else {}),
            }
        )

    @classmethod
    def decode(cls, data: bytes, revision: int) -> "FileRecord":
        """Read a record of the stream.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        fields: Mapping[str, Any] = orjson.loads(data)
        return cls(
            id=fields["id"],
            owner=SystemName(fields["owner"]),
            agency=AgencyCode(fields["agency"]),
            name=fields["name"],
            media_type=fields["mediaType"],
            size=fields["size"],
            declared_sha256=fields["declaredSha256"],
            created_at=fields["createdAt"],
            expires_at=fields["expiresAt"],
            wrapped_key=bytes.fromhex(fields["wrappedKey"]),
            chunk_bytes=fields["chunkBytes"],
            state=fields["state"],
            offset=fields["offset"],
            segments=tuple(Segment(*segment) for segment in fields["segments"]),
            lease=Lease(*fields["lease"]),
            sha256=fields["sha256"],
            reason=fields["reason"],
            bound=fields["bound"],
            revision=revision,
            officer=fields.get("officer", ""),
            through=fields.get("through", ""),
        )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
