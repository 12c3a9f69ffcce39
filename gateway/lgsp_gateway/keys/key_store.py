"""The keys of the bus on disk: made on first start, readable by their owner only, rotated by adding a file.

Every gateway that shares the folder notices a new key within a second, or at once when it meets a token signed by one it
does not know; so a rotation drops no call. An old key goes when no token that it signed can still count.
"""

import itertools
import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from lgsp_auth.issuing import DEFAULT_LIFE
from lgsp_auth.keys import KeyRing, SigningKey
from lgsp_auth.nats_jwt import AccountKey
from lgsp_problems import Refusal
from lgsp_runtime import durable_file

LOOK_SECONDS = 1.0
KEEP_SECONDS = 2 * DEFAULT_LIFE
"""How long a superseded key still verifies: twice the life of a token."""


class KeyStore:
    """A folder of signing keys, and the key of the pseudonyms."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ring: KeyRing | None = None
        self._seen: tuple[str, ...] = ()
        self._looked = 0.0
        self.on_new_key: Callable[[str], None] | None = None

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
            raise _unusable(self._folder, error) from None

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

    def ring(self) -> KeyRing:
        """The keys of the moment."""
        if self._ring is None or time.monotonic() - self._looked > LOOK_SECONDS:
            self._look()
        assert self._ring is not None
        return self._ring

    def find(self, kid: str) -> object | None:
        """The public key of a token, looking again where it is not known yet (at most ten times a second)."""
        key = self.ring().public_key(kid)
        if key is None and time.monotonic() - self._looked > LOOK_SECONDS / 10:
            self._look()
            key = self.ring().public_key(kid)
        return key

    def pseudonym_key(self) -> bytes:
        """The key under which evidence names people. It is never rotated: entries would no longer be found."""
        return self._pseudonym_file().read_bytes()

    def log_key(self) -> bytes:
        """The key that signs the checkpoints of the evidence: a seed of Ed25519, 32 bytes."""
        return self._log_file().read_bytes()

    def account_key(self) -> AccountKey:
        """The key that vouches for the users of NATS; the servers' configuration names its public half."""
        return AccountKey(self._account_file().read_bytes())

    def _log_file(self) -> Path:
        return self._folder / "evidence-log.key"

    def _account_file(self) -> Path:
        return self._folder / "nats-account.key"

    def _look(self) -> None:
        self._looked = time.monotonic()
        files = self._files()
        names = tuple(file.name for file in files)
        if names == self._seen and self._ring is not None:
            return
        try:
            self._ring = KeyRing([SigningKey.from_pem(file.read_bytes()) for file in files])
        except (OSError, ValueError) as error:
            if self._ring is None:
                raise _unusable(self._folder, error) from None
            return  # a file is being removed or half copied: the keys known so far still count
        if self._seen and self.on_new_key:
            self.on_new_key(self._ring.current.kid)
        self._seen = names

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("signing-*.pem"))

    def _pseudonym_file(self) -> Path:
        return self._folder / "pseudonym.key"


def _number(file: Path) -> int:
    number = file.name.split("-")[1]
    return int(number) if number.isdecimal() else 0


def _unusable(folder: Path, error: Exception) -> Refusal:
    return Refusal(
        "cannot-start",
        vi=f"Không dùng được thư mục khóa {folder}: {error}; hãy kiểm tra quyền và nội dung của nó.",
        en=f"Cannot use the key folder {folder}: {error}; check its permissions and content.",
    )
