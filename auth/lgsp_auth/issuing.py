"""The bus's own token endpoint: OAuth 2 client credentials (RFC 6749, section 4.4).

A system authenticates with `private_key_jwt` (RFC 7523), so that the bus has no secret of it. A shared secret is for programs
that do not support this; it is long and random, so that the registry can store its plain SHA-256.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from lgsp_auth.client_authentication import ClientAuthenticator, oauth_refusal
from lgsp_auth.one_time import ReplayGuard
from lgsp_auth.signing_keys import KeyRing
from lgsp_auth.trusted_issuer import AUDIENCE, GENERATION_CLAIM, TOKEN_TYPE

DEFAULT_LIFE = 3600


class AccessTokens:
    """Signs access tokens in the format of RFC 9068.

    Args:
        issuer: the `iss` of the tokens.
        keys: returns the current key ring, so that a rotation needs no restart.
        life: the lifetime of a token, in seconds.
    """

    def __init__(self, issuer: str, keys: Callable[[], KeyRing], life: int = DEFAULT_LIFE) -> None:
        self.issuer = issuer
        self.life = life
        self._keys = keys

    def sign(self, system: str, now: float, bound: str = "", generation: int = 0) -> str:
        """Sign a token for a system.

        Args:
            now: seconds since 1970.
            bound: the thumbprint of the key that the token is to be bound to (RFC 9449), if any.
            generation: the current generation of the system's tokens.
        """
        claims = {
            "iss": self.issuer,
            "sub": system,
            "client_id": system,
            "aud": AUDIENCE,
            "iat": int(now),
            "exp": int(now) + self.life,
            "jti": str(uuid.uuid4()),
            **({"cnf": {"jkt": bound}} if bound else {}),
            **({GENERATION_CLAIM: generation} if generation else {}),
        }
        return self._keys().current.sign(claims, typ=TOKEN_TYPE)


class TokenEndpoint:
    """Issues access tokens to systems that authenticate themselves.

    Args:
        tokens: signs the tokens.
        clients: authenticates the systems.
        replays: refuses an assertion that was used before.
    """

    def __init__(self, tokens: AccessTokens, clients: ClientAuthenticator, replays: ReplayGuard) -> None:
        self.issuer = tokens.issuer
        self._tokens = tokens
        self._clients = clients
        self._replays = replays

    async def issue(
        self, form: Mapping[str, str], authorization: str | None, now: float, bound: str = ""
    ) -> dict[str, Any]:
        """Answer a token request: the members of RFC 6749, section 5.1.

        Args:
            form: the parameters of the request's body.
            authorization: the request's `Authorization` header.
            now: seconds since 1970.
            bound: the thumbprint of the key that the token is to be bound to (RFC 9449), if any.

        Raises:
            Refusal: with an error code of RFC 6749, section 5.2; `too-many-attempts`; `bus-unavailable`, where it cannot
                be determined whether an assertion was used before.
        """
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise oauth_refusal("invalid_request", "thiếu tham số grant_type", "the parameter grant_type is missing")
        if grant_type != "client_credentials":
            raise oauth_refusal(
                "unsupported_grant_type", "chỉ hỗ trợ client_credentials", "only client_credentials is supported"
            )
        authenticated = self._clients.authenticate(form, authorization, now)
        if authenticated.one_time:
            await self._replays.use(authenticated.one_time)
        client = authenticated.client
        return {
            "access_token": self._tokens.sign(client.system, now, bound, client.generation),
            "token_type": "DPoP" if bound else "Bearer",
            "expires_in": self._tokens.life,
        }
