"""Which account of which issuer is whose, told without the account.

An issuer's `sub` may be a personal number. So it is never kept: an account has a *code*, made from issuer and `sub` with a
key that never leaves the gateways. Whoever signs in without being registered is shown theirs and tells it to an operator;
it is no secret, and nobody finds the `sub` from it.

A person's document names the account by a *commitment*: a digest of the code and a random salt. The salt is kept where it
can be deleted. Once it is, nothing connects the document, which is kept for ever, with any account.
"""

import base64
import hashlib
import hmac
import re

from lgsp_auth.id_token import Account, InvalidGrant
from lgsp_problems import Refusal

SALT_BYTES = 16
_CODE_BYTES = 16
_CODE = re.compile(r"[a-z2-7]{26}")


class AccountNotRegistered(InvalidGrant):
    """An account that is nobody's on this bus.

    Args:
        code: of the account, which an operator registers.
    """

    def __init__(self, code: str) -> None:
        self.account = shown = shown_code(code)
        super().__init__(
            f"Tài khoản này chưa được đăng ký trên trục; hãy báo mã tài khoản {shown} cho người vận hành trục để họ đăng ký.",
            f"This account is not registered on the bus; tell its code {shown} to an operator of the bus, who registers it.",
        )


class AccountCodes:
    """Makes the codes of accounts.

    Args:
        key: the key of the pseudonyms; the codes are made with another one that is derived from it.
    """

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(b"accounts of people", key=key, digest_size=32).digest()

    def code(self, account: Account) -> str:
        """Return the code of an account: 128 bits as 26 characters of base 32."""
        issuer = account.issuer.encode()
        # The length goes before, so that no issuer and subject run together into those of another account.
        encoded = len(issuer).to_bytes(4) + issuer + account.subject.encode()
        digest = hashlib.blake2b(encoded, key=self._key, digest_size=_CODE_BYTES).digest()
        return base64.b32encode(digest).decode().rstrip("=").lower()


def read_code(text: str) -> str:
    """Read the code of an account as somebody wrote it down: with hyphens or spaces, in capitals.

    Raises:
        Refusal: `malformed`.
    """
    code = text.replace("-", "").replace(" ", "").lower()
    if not _CODE.fullmatch(code):
        raise Refusal(
            "malformed",
            vi="Mã tài khoản gồm 26 ký tự từ a đến z và 2 đến 7, như lgsp login hiển thị; hãy chép lại nguyên vẹn.",
            en="The code of an account has 26 characters, a to z and 2 to 7, as lgsp login shows it; copy it whole.",
        )
    return code


def shown_code(code: str) -> str:
    """Return a code in groups of four and five, which people can read to each other."""
    return "-".join((code[:5], code[5:9], code[9:13], code[13:17], code[17:21], code[21:])).upper()


def commitment(code: str, salt: bytes) -> str:
    """Return what a person's document says of their account."""
    return hashlib.sha256(salt + code.encode()).hexdigest()


def is_committed(code: str, salt: bytes, committed: str) -> bool:
    """Tell whether a commitment is one to this account."""
    return bool(committed) and hmac.compare_digest(commitment(code, salt), committed)
