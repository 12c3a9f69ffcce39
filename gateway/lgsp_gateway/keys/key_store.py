"""The keys of the bus on disk: made on first start, readable by their owner only, rotated by adding a file.

Every gateway that shares the folder notices a new key within a second, or at once when it meets a token signed by one it
does not know; so a rotation drops no call. A key that is removed is noticed within a second too. An old key goes when no token
that it signed can still count.
"""

import itertools
import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from lgsp_auth.issuing import DEFAULT_LIFE
from lgsp_auth.keys import KeyRing, SigningKey
from lgsp_auth.nats_jwt import AccountKey
from lgsp_auth.public_jwk import VerificationKey
from lgsp_problems import CannotStart, NotFound, Refusal
from lgsp_runtime import durable_file

REREAD_SECONDS = 1.0
KEEP_SECONDS = 2 * DEFAULT_LIFE
"""How long a superseded key still verifies: twice the life of a token."""


class KeyStore:
    """A folder of signing keys, and the key of the pseudonyms.

    Args:
        issuer: the `iss` of the tokens that they sign, where somebody asks for it.
    """

    def __init__(self, folder: Path, issuer: str = "") -> None:
        self.issuer = issuer
        self.on_new_key: Callable[[str], None] | None = None
        """Told the `kid` of the key that signs from now on."""
        self.on_removed: Callable[[str], None] | None = None
        """Told the `kid` of a key that verifies no more, which is its thumbprint."""
        self._folder = folder
        self._ring: KeyRing | None = None
        self._known: dict[str, SigningKey] = {}
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._read_at = 0.0

    def ensure(self) -> None:
        """Make what is missing.

        Raises:
            Refusal: `cannot-start`, when the folder cannot be written or read.
        """
        try:
            durable_file.make_folder(self._folder)
            if not self._files():
                self.rotate()
            for path in (self._pseudonym_file(), self._account_file(), self._log_file()):
                durable_file.ensure(path, partial(secrets.token_bytes, 32))
        except OSError as error:
            raise _unusable(self._folder, error) from error

    def rotate(self) -> SigningKey:
        """Add a key that signs from now on, and remove those that no token needs any more."""
        now = time.time()
        files = self._files()
        for old, successor in itertools.pairwise(files):
            if successor.stat().st_mtime < now - KEEP_SECONDS:
                durable_file.remove(old)
        key = SigningKey.generate()
        # The name says which is the newest, also where the clock was ahead when the last one was made.
        number = max(int(now * 1000), *(_number(file) + 1 for file in files), 0)
        durable_file.write(self._folder / f"signing-{number:014d}-{key.kid[:8]}.pem", key.to_pem())
        return key

    def remove(self, kid: str) -> str:
        """Remove a key, so that all tokens that it signed end.

        Args:
            kid: of the key, or how it begins.

        Returns:
            The whole `kid`.

        Raises:
            Refusal: `not-found`, where it names no key or several; `malformed`, where it names the one that signs.
        """
        keys = {path: SigningKey.from_pem(path.read_bytes()).kid for path in self._files()}
        named = [path for path, known in keys.items() if known.startswith(kid)] if kid else []
        if len(named) != 1:
            raise NotFound(
                vi=f"{kid} không chỉ đúng một khóa ký; `lgsp keys show` cho biết các khóa đang có.",
                en=f"{kid} does not name one signing key; `lgsp keys show` tells which there are.",
            )
        if named[0] == list(keys)[-1]:
            raise Refusal(
                "malformed",
                vi="Khóa này đang được dùng để ký; hãy tạo khóa mới bằng `lgsp keys rotate` trước.",
                en="This key signs at present; make another with `lgsp keys rotate` first.",
            )
        durable_file.remove(named[0])
        return keys[named[0]]

    @property
    def thumbprints(self) -> frozenset[str]:
        """The thumbprints of the keys that verify tokens now, which are their `kid` too."""
        return self.ring().thumbprints

    async def refresh(self) -> bool:
        """Look at the folder now; what is gone is told to `on_removed`.

        Returns:
            Whether there is a key in it that can be read.
        """
        return self._reread_folder()

    def ring(self) -> KeyRing:
        """Return the keys of the moment."""
        if self._ring is None or time.monotonic() - self._read_at > REREAD_SECONDS:
            self._reread_folder()
        assert self._ring is not None
        return self._ring

    def find(self, kid: str) -> VerificationKey | None:
        """Return what verifies the tokens of a key, looking again where it is not known yet (at most ten times a second)."""
        key = self.ring().find(kid)
        if key is None and time.monotonic() - self._read_at > REREAD_SECONDS / 10:
            self._reread_folder()
            key = self.ring().find(kid)
        return key

    def pseudonym_key(self) -> bytes:
        """Return the key under which evidence names people. It is never rotated: entries would no longer be found."""
        return self._pseudonym_file().read_bytes()

    def log_key(self) -> bytes:
        """Return the key that signs the checkpoints of the evidence: a seed of Ed25519, 32 bytes."""
        return self._log_file().read_bytes()

    def account_key(self) -> AccountKey:
        """Return the key that vouches for the users of NATS; the servers' configuration names its public half."""
        return AccountKey(self._account_file().read_bytes())

    def _log_file(self) -> Path:
        return self._folder / "evidence-log.key"

    def _account_file(self) -> Path:
        return self._folder / "nats-account.key"

    def _reread_folder(self) -> bool:
        """Read what has changed in the folder; tell whether there is a key in it that can be read.

        Raises:
            Refusal: `cannot-start`, where it is the first look and a key cannot be read.
        """
        self._read_at = time.monotonic()
        seen = {path.name: version for path in self._files() if (version := _version(path))}
        if seen == self._seen and self._ring is not None:
            return True
        known = {}
        for name, version in seen.items():
            key = self._known.get(name) if self._seen.get(name) == version else self._read(name)
            if key:
                known[name] = key
        if not known and self._ring is not None:
            # A folder that is not mounted any more looks like this, and without a key nobody is let in: the last ones count.
            structlog.get_logger().error("no signing key is left", folder=str(self._folder))
            return False
        self._seen, self._known = seen, known
        self._replace_ring(known)
        return True

    def _read(self, name: str) -> SigningKey | None:
        """Read a key. One that is half copied comes later: until then the key known under its name counts, if any."""
        try:
            return SigningKey.from_pem((self._folder / name).read_bytes())
        except (OSError, ValueError) as error:
            if self._ring is None:
                raise _unusable(self._folder, error) from error
            structlog.get_logger().warning("a signing key cannot be read", file=name, error=type(error).__name__)
            return self._known.get(name)

    def _replace_ring(self, known: dict[str, SigningKey]) -> None:
        before = self._ring
        try:
            self._ring = KeyRing(known.values())
        except ValueError as error:  # the first look found none
            raise _unusable(self._folder, error) from error
        if before is None:
            return
        if self.on_new_key and self._ring.current.kid != before.current.kid:
            self.on_new_key(self._ring.current.kid)
        for kid in sorted(before.thumbprints - self._ring.thumbprints):
            structlog.get_logger().warning("signing key removed", key=kid)
            if self.on_removed:
                self.on_removed(kid)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("signing-*.pem"))

    def _pseudonym_file(self) -> Path:
        return self._folder / "pseudonym.key"


def _version(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is written anew; None where it is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _number(file: Path) -> int:
    number = file.name.split("-")[1]
    return int(number) if number.isdecimal() else 0


def _unusable(folder: Path, error: Exception) -> Refusal:
    return CannotStart(
        vi=f"Không dùng được thư mục khóa {folder}: {error}; hãy kiểm tra quyền và nội dung của nó.",
        en=f"Cannot use the key folder {folder}: {error}; check its permissions and content.",
    )
