"""The refusals of an access token: a sentence in two languages and the challenge of RFC 6750."""

from collections.abc import Awaitable, Callable

from lgsp_problems import Refusal


class UnknownKey(Refusal):
    """A token names an unknown key: refreshing the issuer's keys may help, once."""

    def __init__(self, refusal: Refusal, refresh: Callable[[], Awaitable[bool]]) -> None:
        super().__init__(refusal.code, vi=refusal.detail.vi, en=refusal.detail.en, headers=refusal.headers)
        self.refresh = refresh


def wrong_scheme() -> Refusal:
    """Create the refusal of a token with the wrong scheme in `Authorization`."""
    return invalid_token(
        "phải gửi bằng Authorization: DPoP nếu gắn với khóa, nếu không thì Bearer",
        "must be sent as Authorization: DPoP if it is bound to a key, and as Bearer otherwise",
    )


def invalid_token(vi: str, en: str) -> Refusal:
    """Create the refusal of an invalid token.

    Args:
        vi, en: the rest of a sentence about the token: what is wrong.
    """
    return Refusal(
        "token-invalid",
        vi=f"Mã truy cập {vi}; hãy lấy mã mới ở /oauth2/token.",
        en=f"The access token {en}; request a new one at /oauth2/token.",
        headers=challenge(en),
    )


def challenge(reason: str) -> dict[str, str]:
    """Return the challenge of RFC 6750 for an invalid token."""
    return {"WWW-Authenticate": f'Bearer realm="lgsp", error="invalid_token", error_description="The token {reason}"'}
