"""The `Authorization` header: its scheme, its token, and the digest under which the token is cached."""

import hashlib

from lgsp_auth import signed_jwt
from lgsp_auth.token_errors import invalid_token
from lgsp_problems import Refusal

MAX_TOKEN_LENGTH = signed_jwt.MAX_LENGTH


def bearer_digest(authorization: str | None) -> bytes:
    """Return the digest of a bearer token; empty bytes where `Authorization` has none."""
    if authorization is None or not authorization.startswith("Bearer "):
        return b""
    return digest_of(authorization[7:].encode("utf-8", "surrogatepass"))


def digest_of(token: bytes) -> bytes:
    """Return the digest under which a token is cached."""
    return hashlib.sha256(token).digest()


def parse_authorization(authorization: str | None) -> tuple[str, bytes]:
    """Split an `Authorization` header into its scheme, in lower case, and its token."""
    if authorization is None:
        raise Refusal(
            "token-invalid",
            vi="Yêu cầu không kèm mã truy cập; hãy lấy mã ở /oauth2/token rồi gửi trong Authorization: Bearer.",
            en="The request has no access token; request one at /oauth2/token and send it as Authorization: Bearer.",
            headers={"WWW-Authenticate": 'Bearer realm="lgsp"'},
        )
    scheme, _, token = authorization.partition(" ")
    scheme = scheme.lower()
    if scheme not in ("bearer", "dpop") or not token or len(token) > MAX_TOKEN_LENGTH:
        raise invalid_token("không ở dạng Authorization: Bearer", "is not sent as Authorization: Bearer")
    return scheme, token.strip().encode("utf-8", "surrogatepass")
