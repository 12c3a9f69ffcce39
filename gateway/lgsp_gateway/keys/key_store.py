"""The keys of the bus on disk: created on first start, readable by their owner only, rotated by adding a file.

Every gateway that shares the folder notices a new key within a second, or at once when a token was signed by one that it
does not know; so a rotation drops no call. A removed key is noticed within a second too. An old key is deleted when all tokens
that it signed have expired.
"""

import itertools
import re
import secrets
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import structlog

from lgsp_auth.issuing import DEFAULT_LIFE
from lgsp_auth.nats_jwt import AccountKey
from lgsp_auth.public_jwk import VerificationKey
from lgsp_auth.signing_keys import KeyRing, PublishedKey, SigningKey
from lgsp_problems import CannotStart, NotFound, Refusal
from lgsp_runtime import durable_file

if TYPE_CHECKING:
    from lgsp_gateway.keys.pkcs11_token import Pkcs11Token, TokenSigningKey

REREAD_SECONDS = 1.0
SUPERSEDED_KEY_SECONDS = 2 * DEFAULT_LIFE
"""How long a superseded key still verifies tokens: twice their lifetime."""

_SECRET_BYTES = _STORAGE_KEY_BYTES = 32
SETTLING_SECONDS = 60.0
"""How old a key that encrypts must be before it is used: the time to copy it to all gateways."""
_PUBLISHED = ".jwk"
"""The suffix of the public half of a key that signs access tokens in a token: every gateway verifies what it has signed, and none without
the token starts."""
_LOG_FILE = re.compile(r"evidence-log(-\d+)?\.key")
LOG_SUCCESSIONS = "evidence-log-successions"
"""The file with the lines by which the keys of the evidence vouch for those that followed them."""


class KeyStore:
    """A folder with the private keys of the bus: those that sign tokens, the log's, the NATS account's, that of pseudonyms and
    that of webhook secrets.

    Args:
        folder: created by `ensure`.
        issuer: the `iss` of the tokens that its keys sign; empty where it is not needed.
        token: a PKCS#11 token; what it has signs in place of the files, which verify what they have signed before.
    """

    def __init__(self, folder: Path, issuer: str = "", token: "Pkcs11Token | None" = None) -> None:
        self.issuer = issuer
        self.token = token
        self.on_new_key: Callable[[str], None] | None = None
        """Called with the `kid` of the key that signs from now on."""
        self.on_removed: Callable[[str], None] | None = None
        """Called with the `kid` of a key that no longer verifies tokens; it is the key's thumbprint."""
        self._folder = folder
        self._ring: KeyRing | None = None
        self._keys_by_file: dict[str, SigningKey | PublishedKey] = {}
        self._file_versions: dict[str, tuple[int, int, int]] = {}
        self._read_at = 0.0

    def ensure(self) -> None:
        """Create the folder and the keys that are missing.

        Raises:
            Refusal: `cannot-start`, when the folder cannot be written or read.
        """
        try:
            durable_file.make_folder(self._folder)
            if not self._signing_key_files():
                self.rotate()
            secret_files = [
                self._pseudonym_file(),
                self._account_file(),
                self._webhook_files()[0],
                self._first_storage_key(),
            ]
            if not self.log_successions():  # a key that nobody vouches for would continue no log
                secret_files.append(self._newest_log_file())
            for path in secret_files:
                durable_file.ensure(path, partial(secrets.token_bytes, 32))
        except OSError as error:
            raise _folder_unusable(self._folder, error) from error

    def check_signing_key(self) -> None:
        """Refuse to sign access tokens with a key that another one in a token has followed.

        Raises:
            Refusal: `cannot-start`.
        """
        files = self._signing_key_files()
        if files and files[-1].suffix == _PUBLISHED and not self._held(self._read_published(files[-1])):
            raise not_in_token("ký mã truy cập", "signs access tokens")

    def move_signing_key_to_token(self) -> str:
        """Make a key in the token that signs access tokens from now on, where none in it does already. The former ones go on verifying.

        Returns:
            Its `kid`.

        Raises:
            OSError: the folder cannot be written.
            Refusal: `cannot-start`, when the token refuses, or the present key is in another one.
        """
        self.check_signing_key()
        newest = self._signing_key_files()[-1]
        return self._read_published(newest).kid if newest.suffix == _PUBLISHED else self._add_signing_key(in_token=True)

    def rotate(self) -> str:
        """Add a key that signs from now on, in the token where it has the present one, and delete those that no valid token was signed with.

        Returns:
            Its `kid`.

        Raises:
            OSError: the folder cannot be written.
            Refusal: `cannot-start`, when the present key is in a token that is not at hand.
        """
        self.check_signing_key()
        now = time.time()
        files = self._signing_key_files()
        for old, successor in itertools.pairwise(files):
            if successor.stat().st_mtime < now - SUPERSEDED_KEY_SECONDS:
                durable_file.remove(old)
        return self._add_signing_key(in_token=bool(files) and files[-1].suffix == _PUBLISHED)

    def _add_signing_key(self, *, in_token: bool) -> str:
        # The name says which is the newest, also where the clock was ahead when the last one was made.
        numbers = (_rotation_number(file) + 1 for file in self._signing_key_files())
        stem = f"signing-{max(int(time.time() * 1000), *numbers, 0):014d}"
        if in_token and self.token:
            held = self.token.make_signing_key()
            durable_file.write(self._folder / f"{stem}-{held.kid[:8]}{_PUBLISHED}", orjson.dumps(held.public_jwk()))
            return held.kid
        key = SigningKey.generate()
        durable_file.write(self._folder / f"{stem}-{key.kid[:8]}.pem", key.to_pem())
        return key.kid

    def remove(self, kid: str) -> str:
        """Remove a key, so that all tokens that it signed become invalid.

        Args:
            kid: of the key, or a prefix of it.

        Returns:
            The whole `kid`.

        Raises:
            Refusal: `not-found`, where it names no key or several; `malformed`, where it names the one that signs.
        """
        keys = {path: self._parse_key(path).kid for path in self._signing_key_files()}
        matching = [path for path, full_kid in keys.items() if full_kid.startswith(kid)] if kid else []
        if len(matching) != 1:
            raise NotFound(
                vi=f"{kid} không chỉ đúng một khóa ký; `lgsp keys show` cho biết các khóa đang có.",
                en=f"{kid} does not name one signing key; `lgsp keys show` tells which there are.",
            )
        if matching[0] == list(keys)[-1]:
            raise Refusal(
                "malformed",
                vi="Khóa này đang được dùng để ký; hãy tạo khóa mới bằng `lgsp keys rotate` trước.",
                en="This key signs at present; make another with `lgsp keys rotate` first.",
            )
        durable_file.remove(matching[0])
        return keys[matching[0]]

    @property
    def thumbprints(self) -> frozenset[str]:
        """Return the thumbprints (RFC 7638) of the keys that verify tokens now; they are their `kid` too."""
        return self.ring().thumbprints

    async def refresh(self) -> bool:
        """Read the folder again now, and call `on_removed` for keys that are no longer there.

        Returns:
            Whether there is a key in it that can be read.
        """
        return self._reread_folder()

    def ring(self) -> KeyRing:
        """Return the current signing keys. The folder is read again where that was more than `REREAD_SECONDS` ago."""
        if self._ring is None or time.monotonic() - self._read_at > REREAD_SECONDS:
            self._reread_folder()
        assert self._ring is not None
        return self._ring

    def find(self, kid: str) -> VerificationKey | None:
        """Return the verification key with a `kid`; None where there is none. For an unknown one the folder is read again, at most ten times a second."""
        key = self.ring().find(kid)
        if key is None and time.monotonic() - self._read_at > REREAD_SECONDS / 10:
            self._reread_folder()
            key = self.ring().find(kid)
        return key

    def signs_since(self) -> float:
        """Return since when the present key signs tokens, in seconds since 1970; 0 where the folder cannot be read."""
        try:
            return self._signing_key_files()[-1].stat().st_mtime
        except (OSError, IndexError):
            return 0.0

    def pseudonym_key(self) -> bytes:
        """Return the key of the pseudonyms in evidence, 32 bytes. It is never rotated: entries could no longer be found by person."""
        return self._pseudonym_file().read_bytes()

    def log_key(self) -> bytes:
        """Return the private key (Ed25519, 32 bytes) that signs the checkpoints of the evidence: the newest."""
        return self._newest_log_file().read_bytes()

    def log_successions(self) -> list[str]:
        """Return the lines by which the keys of the evidence vouch for those that followed them, the oldest first."""
        try:
            return (self._folder / LOG_SUCCESSIONS).read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return []

    def log_version(self) -> object:
        """Return what changes when there is another key of the evidence."""
        return self._newest_log_file().name, _file_version(self._folder / LOG_SUCCESSIONS)

    def add_log_key(self, seed: bytes, succession: str) -> None:
        """Add a key that signs the checkpoints from now on.

        Args:
            seed: the private key, 32 bytes.
            succession: the line by which the present key vouches for it. It is stored first, since no key may sign without it.

        Raises:
            OSError: the folder cannot be written.
        """
        self.add_log_succession(succession)
        number = _log_number(self._newest_log_file().name) + 1
        durable_file.write(self._folder / f"evidence-log-{number}.key", seed)

    def add_log_succession(self, succession: str) -> None:
        """Add the line by which a key of the evidence vouches for the next one.

        Raises:
            OSError: the folder cannot be written.
        """
        lines = "".join(f"{line}\n" for line in (*self.log_successions(), succession))
        durable_file.write(self._folder / LOG_SUCCESSIONS, lines.encode())

    def _newest_log_file(self) -> Path:
        names = [path.name for path in self._folder.glob("evidence-log-*.key")]
        return self._folder / (newest_log_key_file(names) or self._log_file().name)

    def webhook_keys(self) -> list[bytes]:
        """Return the keys that encrypt the secrets of webhook endpoints, 32 bytes each: the one that does now first, then those that did.

        A new one is used once it is a minute old: until then it can be copied to the other gateways. When all are lost, each endpoint needs
        a new secret.
        """
        files = self._webhook_files()
        settled = [file for file in files[1:] if time.time() - file.stat().st_mtime >= SETTLING_SECONDS]
        sealing = settled[-1] if settled else files[0]
        keys = [file.read_bytes() for file in (sealing, *(file for file in reversed(files) if file != sealing))]
        return [key for key in keys if len(key) == _SECRET_BYTES]  # one may be only half copied

    def rotate_webhook_key(self) -> str:
        """Add a key that encrypts the secrets of webhook endpoints, a minute later, and return the name of its file.

        Raises:
            OSError: the folder cannot be written.
        """
        number = _webhook_number(self._webhook_files()[-1]) + 1
        path = self._folder / f"webhook-secrets-{number}.key"
        durable_file.write(path, secrets.token_bytes(_SECRET_BYTES))
        return path.name

    def _webhook_files(self) -> list[Path]:
        """Return the files of these keys, the oldest first."""
        rotated = [path for path in self._folder.glob("webhook-secrets-*.key") if _webhook_number(path) > 1]
        first = self._folder / "webhook-secrets.key"
        return sorted([*rotated, *([first] if first.exists() else [])], key=_webhook_number) or [first]

    def storage_keys(self) -> dict[int, bytes]:
        """Return the keys that encrypt what is stored, by number, without one that is being copied; the highest one is used for what is new.

        An old one is deleted when nothing that it encrypted is stored any more.
        """
        keys = {number: path.read_bytes() for number, path in self._storage_files().items()}
        return {number: key for number, key in keys.items() if len(key) == _STORAGE_KEY_BYTES}

    def storage_key_times(self) -> dict[int, float]:
        """Return when each key that encrypts what is stored was made, in seconds since 1970, by number."""
        return {number: path.stat().st_mtime for number, path in self._storage_files().items()}

    def rotate_storage_key(self) -> int:
        """Add a key that encrypts what is new, and return its number. Gateways use it a minute later.

        Raises:
            OSError: the folder cannot be written.
        """
        number = max(self._storage_files(), default=0) + 1
        durable_file.write(self._folder / f"storage-{number}.key", secrets.token_bytes(_STORAGE_KEY_BYTES))
        return number

    def _storage_files(self) -> dict[int, Path]:
        paths = self._folder.glob("storage-*.key")
        return {int(number): path for path in paths if (number := path.stem.removeprefix("storage-")).isdecimal()}

    def account_key(self) -> AccountKey:
        """Return the account key that signs the JWTs of NATS users; the configuration of the servers names its public half."""
        return AccountKey(self._account_file().read_bytes())

    def _log_file(self) -> Path:
        return self._folder / "evidence-log.key"

    def _first_storage_key(self) -> Path:
        files = sorted(self._folder.glob("storage-*.key"))
        return files[0] if files else self._folder / "storage-1.key"

    def _account_file(self) -> Path:
        return self._folder / "nats-account.key"

    def _reread_folder(self) -> bool:
        """Read what has changed in the folder, and tell whether there is a key in it that can be read.

        Raises:
            Refusal: `cannot-start`, when it is read for the first time and a key cannot be read.
        """
        self._read_at = time.monotonic()
        versions = {path.name: version for path in self._signing_key_files() if (version := _file_version(path))}
        if versions == self._file_versions and self._ring is not None:
            return True
        keys: dict[str, SigningKey | PublishedKey] = {}
        for name, version in versions.items():
            key = self._keys_by_file.get(name) if self._file_versions.get(name) == version else self._read_key(name)
            if key:
                keys[name] = key
        if not keys and self._ring is not None:
            # A folder that is no longer mounted looks like this, and without a key every token is refused: the last keys stay valid.
            structlog.get_logger().error("no signing key is left", folder=str(self._folder))
            return False
        self._file_versions, self._keys_by_file = versions, keys
        self._replace_ring(keys)
        return True

    def _read_key(self, name: str) -> SigningKey | PublishedKey | None:
        """Read a key. Where it is only half copied, the key that the file had before is returned, if any."""
        try:
            return self._parse_key(self._folder / name)
        except (OSError, ValueError) as error:
            if self._ring is None:
                raise _folder_unusable(self._folder, error) from error
            structlog.get_logger().warning("a signing key cannot be read", file=name, error=type(error).__name__)
            return self._keys_by_file.get(name)

    def _parse_key(self, path: Path) -> SigningKey | PublishedKey:
        """Read the file of a key.

        Raises:
            OSError, ValueError: it cannot be read.
        """
        return self._read_published(path) if path.suffix == _PUBLISHED else SigningKey.from_pem(path.read_bytes())

    def _read_published(self, path: Path) -> PublishedKey:
        return PublishedKey.from_jwk(orjson.loads(path.read_bytes()))

    def _held(self, published: PublishedKey) -> "TokenSigningKey | None":
        return self.token.signing_key(published.public) if self.token else None

    def _replace_ring(self, keys: dict[str, SigningKey | PublishedKey]) -> None:
        before = self._ring
        try:
            at_hand = [self._held(key) if isinstance(key, PublishedKey) else key for key in keys.values()]
            published = [key for key in keys.values() if isinstance(key, PublishedKey)]
            self._ring = KeyRing(filter(None, at_hand), published)
        except ValueError as error:  # the first read found none
            raise _folder_unusable(self._folder, error) from error
        if before is None:
            return
        if self.on_new_key and self._ring.current.kid != before.current.kid:
            self.on_new_key(self._ring.current.kid)
        for kid in sorted(before.thumbprints - self._ring.thumbprints):
            structlog.get_logger().warning("signing key removed", key=kid)
            if self.on_removed:
                self.on_removed(kid)

    def _signing_key_files(self) -> list[Path]:
        return sorted((*self._folder.glob("signing-*.pem"), *self._folder.glob(f"signing-*{_PUBLISHED}")))

    def _pseudonym_file(self) -> Path:
        return self._folder / "pseudonym.key"


def _file_version(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is rewritten; None where it no longer exists."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def newest_log_key_file(names: Iterable[str]) -> str | None:
    """Return which of the files of a folder of keys has the newest private key of the evidence; None where none has one."""
    return max((name for name in names if _LOG_FILE.fullmatch(name)), key=_log_number, default=None)


def _webhook_number(path: Path) -> int:
    number = path.stem.removeprefix("webhook-secrets-")
    return int(number) if number.isdecimal() else 1


def _log_number(name: str) -> int:
    number = name.removeprefix("evidence-log-").removesuffix(".key")
    return int(number) if number.isdecimal() else 1


def _rotation_number(file: Path) -> int:
    number = file.name.split("-")[1]
    return int(number) if number.isdecimal() else 0


def not_in_token(vi: str, en: str) -> Refusal:
    """Return the refusal of a gateway that would go on with a key which one in a token has followed.

    Args:
        vi, en: what the key does.
    """
    return CannotStart(
        vi=f"Khóa {vi} đã được chuyển vào thiết bị PKCS#11 hoặc được thay bằng khóa mới không có ở đây; hãy nêu thiết bị đó bằng --pkcs11-module, --pkcs11-token và --pkcs11-pin-file, hoặc chép đủ thư mục khóa.",
        en=f"The key that {en} was moved to a PKCS#11 token, or replaced by one that is not here; name that token by --pkcs11-module, --pkcs11-token and --pkcs11-pin-file, or copy the whole folder of keys.",
    )


def _folder_unusable(folder: Path, error: Exception) -> Refusal:
    return CannotStart(
        vi=f"Không dùng được thư mục khóa {folder}: {error}; hãy kiểm tra quyền và nội dung của nó.",
        en=f"Cannot use the key folder {folder}: {error}; check its permissions and content.",
    )
