"""Passwords of local users: which may be chosen, and how they are kept.

The rules are those of NIST SP 800-63B: a password is long, and not one that many people choose; nothing else is asked of it, and it never
expires by itself. It is kept as argon2id of a keyed digest, so that whoever has the disk of NATS without the keys of the gateways cannot
even begin to guess.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
import unicodedata
from typing import Any

import argon2
from zxcvbn import zxcvbn

from lgsp_problems import Refusal, Text, Violation

MIN_LENGTH = 15
"""Characters, since a password may be the only factor (SP 800-63B-4, section 3.1.1.2)."""
MAX_LENGTH = 256
MIN_SCORE = 3
"""Of zxcvbn, from 0 to 4: 3 takes more than 10^8 guesses."""
MAX_JUDGED = 60
"""Characters that zxcvbn looks at: its time grows faster than the length."""
MAX_AT_ONCE = 2
"""Passwords that are compared at the same time: each takes some 50 ms of a core and 46 MiB."""
MAX_WAITING = 50

COMMON = (
    *("matkhau", "matkhaumoi", "khongnoi", "khongbiet", "anhyeuem", "emyeuanh", "yeuemnhieu", "iloveyou", "vietnam", "vietnamvodich"),
    *("hanoi", "saigon", "danang", "haiphong", "quangninh", "halong", "hochiminh", "thanhpho", "congchuc", "canbo", "vienchuc", "uyban"),
    *("ubnd", "ubndtinh", "hanhchinh", "motcua", "chinhquyen", "sotttt", "xinchao", "chaoban", "giadinh", "hanhphuc", "maimai"),
    *("khongquen", "trucdulieu", "lgsp", "quantri", "quantrivien", "administrator", "operator", "nguyenvan", "tranthi", "password"),
    *("qwertyuiop", "asdfghjkl", "zxcvbnm", "123456789", "0123456789", "987654321", "letmein", "welcome", "doclaptudohanhphuc"),
)  # fmt: skip
"""Words that people here choose, without diacritics: zxcvbn knows those of English."""

_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=46 * 1024, parallelism=1)


class Passwords:
    """Hashes passwords and compares them.

    Args:
        key: of the gateways, 32 bytes; the one that passwords are digested with is derived from it.
    """

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(b"passwords of local users", key=key, digest_size=32).digest()
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)
        self._waiting = 0
        self._of_nobody = _hash_of_nobody()

    async def hash(self, password: str) -> str:
        """Return what is kept of a password.

        Raises:
            Refusal: `too-many-attempts`.
        """
        return str(await self._in_thread(_HASHER.hash, self._digest(password)))

    async def matches(self, hashed: str, password: str) -> bool:
        """Tell whether a password is the one that was hashed; for "" it takes as long, so that nobody learns which users there are.

        Raises:
            Refusal: `too-many-attempts`.
        """
        return bool(await self._in_thread(_matches, hashed or self._of_nobody, self._digest(password))) and bool(hashed)

    async def _in_thread(self, work: Any, *arguments: str) -> Any:
        if self._waiting >= MAX_WAITING:
            raise Refusal(
                "too-many-attempts",
                vi="Quá nhiều người đang đăng nhập cùng lúc; hãy thử lại sau vài giây.",
                en="Too many people are signing in at the same time; try again in a few seconds.",
                retry_after=5,
            )
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work, *arguments)
        finally:
            self._waiting -= 1

    def _digest(self, password: str) -> str:
        normalized = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, normalized, hashlib.sha256).hexdigest()


def _hash_of_nobody() -> str:
    """Return a hash that takes as long to compare as any, and that no password has.

    It is drawn: to compute one would take 50 ms of a core at each start of a gateway.
    """
    cost = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    salt, drawn = (
        base64.b64encode(secrets.token_bytes(length)).rstrip(b"=").decode()
        for length in (_HASHER.salt_len, _HASHER.hash_len)
    )
    return f"$argon2id$v={argon2.low_level.ARGON2_VERSION}${cost}${salt}${drawn}"


def _matches(hashed: str, digest: str) -> bool:
    try:
        return _HASHER.verify(hashed, digest)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def check_new_password(password: str, user: str, pointer: str = "/password") -> None:
    """Refuse a password that is too short or easily guessed.

    Args:
        user: the name of the user.
        pointer: of the field that it was sent in.

    Raises:
        Refusal: `invalid-document`.
    """
    length = len(unicodedata.normalize("NFKC", password))
    if not MIN_LENGTH <= length <= MAX_LENGTH:
        raise _unfit(
            pointer,
            Text(
                f"Mật khẩu phải có từ {MIN_LENGTH} đến {MAX_LENGTH} ký tự; một câu dễ nhớ với bạn là tốt nhất.",
                f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters; a sentence that you remember is best.",
            ),
        )
    plain = without_diacritics(password)[:MAX_JUDGED]
    judged = zxcvbn(plain, user_inputs=[without_diacritics(user), *COMMON])
    if judged["score"] < MIN_SCORE:
        raise _unfit(
            pointer,
            Text(
                "Mật khẩu này dễ đoán (từ phổ biến, dãy phím hoặc phần lặp lại); hãy chọn một câu chỉ bạn biết.",
                "This password is easily guessed (common words, rows of keys, or repetition); choose a sentence that only you know.",
            ),
        )


def without_diacritics(text: str) -> str:
    """Return a text in lower case, without Vietnamese diacritics."""
    decomposed = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _unfit(pointer: str, message: Text) -> Refusal:
    return Refusal(
        "invalid-document",
        vi=message.vi,
        en=message.en,
        violations=[Violation(pointer, "/properties/password", message)],
    )
