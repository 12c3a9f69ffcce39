"""Chunks: the pieces that backups consist of, each stored once, compressed and encrypted.

What two backups have in common is stored once: a chunk is recognised by a keyed digest of its content (`Chunk.id`; keyed, so that who reads
a manifest cannot try out contents). It is encrypted with age to the public key of whoever may restore, so neither the place nor the machine that makes
backups can open what it has stored. The name of an object is the SHA-256 of what is stored: a place that changes a byte is noticed without a key.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cramjam
import pyrage
from pyrage import x25519

from lgsp_gateway.operate.backup.manifest import Chunk
from lgsp_gateway.operate.backup.places import Place
from lgsp_gateway.operate.backup.refusals import backup_damaged
from lgsp_problems import CannotStart

_VERIFIER_KEY = "# verifier key: "
"""Begins a line of a file with a private key: whoever has one has the other, so neither can be lost or exchanged alone."""
_AS_IT_IS, _ZSTD = b"\x00", b"\x01"
MAX_CHUNK = 32 << 20
"""Bytes of the content of a chunk, at most: what is longer is not unpacked."""


def parse_recipients(texts: Sequence[str]) -> list[x25519.Recipient]:
    """Return the public keys that chunks are encrypted to.

    Args:
        texts: age public keys, `age1…`.

    Raises:
        Refusal: `cannot-start`, when one is none, or there is none.
    """
    try:
        if not texts:
            raise ValueError
        return [x25519.Recipient.from_str(text.strip()) for text in texts]
    except (ValueError, pyrage.RecipientError) as error:
        raise CannotStart(
            vi="Bản sao lưu được mã hóa cho một khóa công khai age; hãy tạo bằng `lgsp backup keygen` và nêu --recipient age1….",
            en="A backup is encrypted to a public key of age; make one by `lgsp backup keygen`, and name it by --recipient age1….",
        ) from error


def new_identity() -> tuple[str, str]:
    """Make a key pair that opens backups, and return its public and its secret half, as age writes them."""
    identity = x25519.Identity.generate()
    return str(identity.to_public()), str(identity)


def read_identity(file: Path) -> x25519.Identity:
    """Read the private key that opens backups, from a file as `age-keygen` and `lgsp backup keygen` write it.

    Raises:
        Refusal: `cannot-start`, when it cannot be read or is none.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return x25519.Identity.from_str(next(line.strip() for line in lines if line.startswith("AGE-SECRET-KEY-")))
    except (OSError, UnicodeDecodeError, StopIteration, pyrage.IdentityError) as error:
        raise _no_identity(file) from error


def identity_file(recipient: str, identity: str, verifier_keys: Iterable[str]) -> bytes:
    """Return the content of a file with a private key, in the form of age, whose readers pass over the comments.

    Args:
        recipient, identity: the public and the secret half, as `new_identity` returns them.
        verifier_keys: of the logs of the bus whose backups it opens, one each (C2SP `signed-note`).
    """
    comments = [f"# public key: {recipient}\n", *(f"{_VERIFIER_KEY}{key}\n" for key in verifier_keys)]
    return "".join([*comments, f"{identity}\n"]).encode()


def verifier_keys_beside(file: Path) -> list[str]:
    """Return the verifier keys that stand in a file with a private key: those of the bus whose backups it opens.

    Raises:
        Refusal: `cannot-start`, when it cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _no_identity(file) from error
    return [line.removeprefix(_VERIFIER_KEY).strip() for line in lines if line.startswith(_VERIFIER_KEY)]


def _no_identity(file: Path) -> CannotStart:
    return CannotStart(
        vi=f"{file} không có khóa bí mật age (AGE-SECRET-KEY-…); hãy nêu tệp do `lgsp backup keygen` tạo.",
        en=f"{file} holds no secret key of age (AGE-SECRET-KEY-…); name the file that `lgsp backup keygen` made.",
    )


class ChunkWriter:
    """Stores chunks that are not stored yet.

    Args:
        key: of the digests that recognise content, 32 bytes.
        known: chunks that earlier backups stored.
    """

    def __init__(
        self, place: Place, key: bytes, recipients: Sequence[x25519.Recipient], known: Iterable[Chunk]
    ) -> None:
        self._place = place
        self._key = key
        self._recipients = list(recipients)
        self._known = {chunk.id: chunk for chunk in known}
        self.stored_chunks = 0
        self.stored_bytes = 0

    def write(self, content: bytes, first: int = 0, last: int = 0) -> Chunk:
        """Store content as a chunk, unless it is stored, and return how it is named in a manifest.

        Args:
            first, last: the sequences of the first and last message in it; 0 where it holds none.

        Raises:
            Refusal: `backup-unavailable`.
        """
        digest = hmac.new(self._key, content, hashlib.sha256).hexdigest()
        known = self._known.get(digest)
        if known:
            return Chunk(known.id, known.object, known.size, first, last)
        stored = pyrage.encrypt(_packed(content), self._recipients)
        chunk = Chunk(digest, hashlib.sha256(stored).hexdigest(), len(content), first, last)
        self._place.put(chunk.name, stored)
        self._known[digest] = chunk
        self.stored_chunks += 1
        self.stored_bytes += len(stored)
        return chunk


class ChunkReader:
    """Reads chunks back, and checks each.

    Args:
        identity: the private key that opens them.
    """

    def __init__(self, place: Place, identity: x25519.Identity) -> None:
        self._place = place
        self._identity = identity

    def read(self, chunk: Chunk) -> bytes:
        """Read the content of a chunk.

        Raises:
            Refusal: `backup-unavailable`; `backup-damaged`, when it is not what was stored; `cannot-start`, when the private key does not open it.
        """
        stored = read_stored(self._place, chunk)
        try:
            packed = pyrage.decrypt(stored, [self._identity])
        except pyrage.DecryptError as error:
            raise CannotStart(
                vi="Khóa bí mật này không mở được bản sao lưu; hãy nêu --identity của khóa mà bản sao được mã hóa cho.",
                en="This private key does not open the backup; name by --identity the one that it is encrypted to.",
            ) from error
        return _unpacked(packed, chunk)

    def read_all(self, chunks: Iterable[Chunk]) -> Iterator[bytes]:
        """Read the content of several chunks, one after the other."""
        return map(self.read, chunks)


def read_stored(place: Place, chunk: Chunk) -> bytes:
    """Read a chunk as it is stored, encrypted, and check that it is what was stored.

    Raises:
        Refusal: `backup-unavailable`, `backup-damaged`.
    """
    stored = place.get(chunk.name)
    if hashlib.sha256(stored).hexdigest() != chunk.object:
        raise backup_damaged(f"{chunk.name} đã bị thay đổi", f"{chunk.name} was changed")
    return stored


def _packed(content: bytes) -> bytes:
    compressed = bytes(cramjam.zstd.compress(content))
    return _ZSTD + compressed if len(compressed) < len(content) else _AS_IT_IS + content


def _unpacked(packed: bytes, chunk: Chunk) -> bytes:
    content = packed[1:]
    try:
        if chunk.size > MAX_CHUNK or packed[:1] not in {_AS_IT_IS, _ZSTD}:
            raise ValueError
        if packed[:1] == _ZSTD:
            unpacked = bytearray(chunk.size)
            if cramjam.zstd.decompress_into(content, unpacked) != chunk.size:
                raise ValueError
            content = bytes(unpacked)
        if len(content) != chunk.size:
            raise ValueError
    except (ValueError, cramjam.DecompressionError) as error:
        raise backup_damaged(
            f"{chunk.name} không giữ nội dung như bản kê nói",
            f"{chunk.name} does not hold the content that its manifest names",
        ) from error
    return content
