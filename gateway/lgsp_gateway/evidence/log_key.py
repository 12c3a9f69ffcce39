"""The key that signs the log, as the folder of keys has it now: gateways go on with another one while they run.

They look once a second. What each has signed before stays valid, since the old key vouches for the new one in every later checkpoint.
"""

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.verify.checkpoint import Checkpoint, Predecessor
from lgsp_gateway.evidence.verify.log_keys import LogKeys
from lgsp_gateway.evidence.verify.restored_origin import current_origin
from lgsp_gateway.evidence.verify.signers import FileLogKey, LogPrivateKey, Signer, publics_of, succeed
from lgsp_gateway.evidence.verify.succession import Succession, leading_to, newest_of_all
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_gateway.keys.key_store import KeyStore, not_in_token
from lgsp_problems import CannotStart

if TYPE_CHECKING:
    from lgsp_gateway.keys.pkcs11_token import Pkcs11Token

LOOK_SECONDS = 1.0


def signer_of(origin: str, keys: KeyStore) -> Signer:
    """Return what signs a log with the present key.

    Raises:
        Refusal: `cannot-start`, when that key is not at hand.
        OSError, ValueError: it cannot be read.
    """
    key = _newest_private_key(keys)
    return Signer(origin, key, leading_to(key.public, _successions(keys)))


def log_publics(keys: KeyStore) -> tuple[bytes, ...]:
    """Return the public keys that sign the logs of a bus or have signed them, the newest first, also where that one is in a token that is not at hand."""
    successions = _successions(keys)
    newest = newest_of_all(successions)
    return publics_of(newest, leading_to(newest, successions)) if newest else (FileLogKey(keys.log_key()).public,)


def rotate_log_key(keys: KeyStore) -> str:
    """Make a new key that signs the logs from now on, in the token where it has the present one, which vouches for the new one.

    Returns:
        The public key, as a verifier key without a name shows it.

    Raises:
        OSError: the folder of keys cannot be written.
        Refusal: `cannot-start`, when the present key is not at hand: another one would be a second successor.
    """
    present = _newest_private_key(keys)
    if keys.token and not isinstance(present, FileLogKey):
        return _add_in_token(keys, keys.token, present)
    seed = secrets.token_bytes(32)
    new = FileLogKey(seed).public
    keys.add_log_key(seed, succeed(present, new).line().rstrip("\n"))
    return _shown(new)


def move_log_key_to_token(keys: KeyStore, token: "Pkcs11Token") -> str:
    """Make the key that signs the logs in a token, where none in it does already, and have the present one vouch for it.

    Returns:
        The public key, as a verifier key without a name shows it.

    Raises:
        OSError: the folder of keys cannot be written.
        Refusal: `cannot-start`, where the token refuses, or the present key is in another one.
    """
    present = _newest_private_key(keys)
    return _add_in_token(keys, token, present) if isinstance(present, FileLogKey) else _shown(present.public)


def check_log_key(keys: KeyStore) -> None:
    """Refuse to sign evidence with a key that another one has followed: auditors would take the log for forged.

    Raises:
        Refusal: `cannot-start`.
    """
    _newest_private_key(keys)


@dataclass(frozen=True, slots=True)
class LogKeysAtHand:
    """The keys of the logs, as a command has them that signs something else than a log.

    Args:
        private: the newest one that can sign here. The newest of all may be in a token that is not at hand.
        publics: of all, the newest first.
        successions: the lines by which they vouch for each other, the oldest first.
    """

    private: LogPrivateKey
    publics: tuple[bytes, ...]
    successions: list[str]

    @classmethod
    def of(cls, keys: KeyStore) -> "LogKeysAtHand":
        """Read a folder of keys.

        Raises:
            OSError: it cannot be read.
            Refusal: `cannot-start`, when none of them can sign here.
        """
        private = _private_key(keys)
        if private is None:
            raise not_in_token("ký nhật ký bằng chứng", "signs the evidence")
        return cls(private, log_publics(keys), keys.log_successions())

    @property
    def is_in_file(self) -> bool:
        """Tell whether the newest key of all is in the folder, and not in a token."""
        return isinstance(self.private, FileLogKey) and self.private.public == self.publics[0]


class CurrentSigner:
    """Signs the checkpoints of one log with the newest key in the folder.

    Args:
        origin: the name of the log.
    """

    def __init__(self, origin: str, keys: KeyStore) -> None:
        self._origin = origin
        self._keys = keys
        self._version = keys.log_version()
        self._unreadable: object = None
        self._signer = signer_of(origin, keys)
        self._looked_at = time.monotonic()

    @property
    def key(self) -> VerifierKey:
        """Return the verifier key that signs now."""
        return self._signer.key

    @property
    def successions(self) -> tuple[Succession, ...]:
        """Return the successions that lead to that key, the oldest first."""
        return self._signer.successions

    def log_keys(self, note: str, gateway: GatewayName) -> LogKeys:
        """Return the keys of this log under all origins that one of its checkpoints names.

        Raises:
            Refusal: `evidence-forged`, when the checkpoint is none of this gateway's log.
        """
        return self._signer.log_keys(note, gateway)

    def after(self, last: Checkpoint) -> "CurrentSigner":
        """Return the signer of what follows the newest checkpoint of this log: after a restore it goes on under another origin."""
        return CurrentSigner(current_origin(self._origin, last.origin), self._keys)

    def sign(self, size: int, root: bytes, predecessors: tuple[Predecessor, ...] = ()) -> str:
        """Return a checkpoint as a signed note, by the newest key."""
        return self._newest().sign(size, root, predecessors)

    def sign_note(self, text: str) -> str:
        """Return a text, with a line feed at its end, as a signed note (C2SP `signed-note`), by the newest key."""
        return self._newest().sign_note(text)

    def _newest(self) -> Signer:
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._look()
        return self._signer

    def _look(self) -> None:
        self._looked_at = time.monotonic()
        version = self._keys.log_version()
        if version == self._version:
            return
        try:
            self._signer = signer_of(self._origin, self._keys)
        except (
            OSError,
            ValueError,
            CannotStart,
        ) as error:  # being copied, or in a token: the former key signs until it is at hand
            if version != self._unreadable:
                structlog.get_logger().warning("a key of the evidence is not at hand", error=type(error).__name__)
            self._unreadable = version
            return
        self._version = version
        structlog.get_logger().info("another key signs checkpoints", key=str(self._signer.key))


def _newest_private_key(keys: KeyStore) -> LogPrivateKey:
    """Return the private key that signs after all rotations.

    Raises:
        Refusal: `cannot-start`, when it is not at hand.
        OSError, ValueError: it cannot be read.
    """
    key, newest = _private_key(keys), newest_of_all(_successions(keys))
    if key is None or (newest and key.public != newest):
        raise not_in_token("ký nhật ký bằng chứng", "signs the evidence")
    return key


def _private_key(keys: KeyStore) -> LogPrivateKey | None:
    """Return the newest private key that is at hand, in the token or in a file; None where there is none."""
    newest = newest_of_all(_successions(keys))
    held = keys.token.log_key(newest) if keys.token and newest else None
    try:
        return held or FileLogKey(keys.log_key())
    except FileNotFoundError:  # it may be destroyed once another one has followed
        return None


def _add_in_token(keys: KeyStore, token: "Pkcs11Token", present: LogPrivateKey) -> str:
    public = token.make_log_key().public
    keys.add_log_succession(succeed(present, public).line().rstrip("\n"))
    return _shown(public)


def _shown(public: bytes) -> str:
    return str(VerifierKey("", public)).lstrip("+")


def _successions(keys: KeyStore) -> list[Succession]:
    return [Succession.parse(line) for line in keys.log_successions()]
