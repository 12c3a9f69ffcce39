"""What a backup consists of: streams, files, and the chunks that hold them. It is signed, and holds no data of anybody.

A manifest is stored as it is, not encrypted: whoever makes the next backup reads which chunks are there already, and needs no key that
opens them. What stands in it are names of streams and files, counts, times and digests. The key that signs the evidence signs it, so that
its public half, which auditors hold, also tells whether a backup is that of this bus.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lgsp_gateway.evidence.verify.signers import LogPrivateKey
from lgsp_gateway.evidence.verify.succession import Succession, trusted_publics
from lgsp_gateway.operate.backup.refusals import backup_damaged

FORMAT = "lgsp-backup/1"
_NAME = re.compile(r"backup-(\d{8}T\d{6}Z)\.json")
_TIME = "%Y%m%dT%H%M%SZ"
_SIGNED = b"lgsp-backup/1\n"
"""Stands before what is signed: no checkpoint of a log begins like this, so a signature of one is none of the other."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a backup, stored encrypted as an object.

    Args:
        id: a keyed digest of its content, by which the same content is recognised, in hex.
        object: the SHA-256 of what is stored, in hex, which its name is made of.
        size: bytes of its content.
        first, last: the sequences of its first and last message; 0 where it holds none.
    """

    id: str
    object: str
    size: int
    first: int = 0
    last: int = 0

    @property
    def name(self) -> str:
        """Return the name of the object."""
        return f"chunk-{self.object}.age"


@dataclass(frozen=True, slots=True)
class StoredStream:
    """A stream of NATS in a backup.

    Args:
        config: as STREAM.CREATE takes it.
        state: the state when it was read, as STREAM.INFO has it.
        head: its consumers.
        chunks: its messages.
        live_from: by subject, the sequence of the first message that was there: earlier ones in the chunks, and other subjects, had been archived. Of streams that the archiver takes from.
    """

    name: str
    config: dict[str, Any]
    state: dict[str, Any]
    head: list[Chunk]
    chunks: list[Chunk]
    live_from: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the folders of keys or state, under the name that it is restored to."""

    name: str
    mode: int
    chunks: list[Chunk]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup.

    Args:
        made: when it was begun, such as `20261129T013000Z`.
        version: of lgsp that made it.
        recipients: the public keys that its chunks are encrypted to.
        logs: by gateway, how many entries its log has under the last checkpoint of the backup.
        successions: lines by which the keys of the logs vouch for those that followed them, the oldest first.
    """

    made: str
    version: str
    recipients: list[str]
    streams: list[StoredStream]
    files: list[StoredFile]
    logs: dict[str, int]
    successions: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the name of the object that holds it."""
        return f"backup-{self.made}.json"

    @property
    def time(self) -> datetime:
        """Return when the backup was begun."""
        return datetime.strptime(self.made, _TIME).replace(tzinfo=UTC)

    def chunks(self) -> list[Chunk]:
        """Return all chunks that it needs; one may come several times."""
        of_streams = [chunk for stream in self.streams for chunk in (*stream.head, *stream.chunks)]
        return of_streams + [chunk for file in self.files for chunk in file.chunks]

    def stream(self, name: str) -> StoredStream | None:
        """Return a stream; None where the backup has none of this name."""
        return next((stream for stream in self.streams if stream.name == name), None)

    def is_of(self, signer: bytes, publics: Iterable[bytes]) -> bool:
        """Tell whether it is of the bus with these keys of the logs.

        Args:
            signer: the public key that signed it.
            publics: keys of the bus, 32 bytes each. They may be older than the one that signed, if they vouch for it.
        """
        return signer in trusted_publics(publics, [Succession.parse(line) for line in self.successions])

    def signed(self, key: LogPrivateKey) -> bytes:
        """Return it as it is stored.

        Args:
            key: of the logs.
        """
        text = orjson.dumps({"format": FORMAT, **asdict(self)})
        return orjson.dumps(
            {
                "manifest": text.decode(),
                "publicKey": base64.b64encode(key.public).decode(),
                "signature": base64.b64encode(key.sign(_SIGNED + text)).decode(),
            }
        )


def made_now(now: float) -> str:
    """Return the time of a backup that begins now.

    Args:
        now: seconds since 1970.
    """
    return datetime.fromtimestamp(now, UTC).strftime(_TIME)


def is_manifest(name: str) -> bool:
    """Tell whether an object is a manifest."""
    return bool(_NAME.fullmatch(name))


def parse(name: str, data: bytes, publics: Iterable[bytes] | None) -> tuple[Manifest, bytes]:
    """Parse a stored manifest after a check of its signature.

    Args:
        name: of the object.
        publics: public keys of the logs (32 bytes each), one of which, or one that they vouch for, must have signed it; None where none is known yet.

    Returns:
        The manifest, and the public key that signed it.

    Raises:
        Refusal: `backup-damaged`, when it is none, or is signed by none of them.
    """
    try:
        stored = orjson.loads(data)
        signer = base64.b64decode(stored["publicKey"], validate=True)
        text = stored["manifest"].encode()
        Ed25519PublicKey.from_public_bytes(signer).verify(
            base64.b64decode(stored["signature"], validate=True), _SIGNED + text
        )
        fields = orjson.loads(text)
        if fields.pop("format") != FORMAT:
            raise ValueError(name)
        streams = [_stream(one) for one in fields.pop("streams")]
        files = [StoredFile(one["name"], one["mode"], _chunks(one["chunks"])) for one in fields.pop("files")]
        manifest = Manifest(**fields, streams=streams, files=files)
        if publics is not None and not manifest.is_of(signer, publics):
            raise ValueError(name)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidSignature) as error:
        raise backup_damaged(
            f"{name} không phải do trục này ký, hoặc đã bị sửa",
            f"{name} is not signed by this bus, or was changed",
        ) from error
    if manifest.name != name:
        raise backup_damaged(f"{name} là bản kê của {manifest.made}", f"{name} holds the manifest of {manifest.made}")
    return manifest, signer


def _stream(fields: dict[str, Any]) -> StoredStream:
    return StoredStream(**{**fields, "head": _chunks(fields["head"]), "chunks": _chunks(fields["chunks"])})


def _chunks(fields: list[dict[str, Any]]) -> list[Chunk]:
    return [Chunk(**one) for one in fields]
