"""The bus's own token endpoint: OAuth 2 client credentials (RFC 6749, section 4.4).

A system proves who it is with `private_key_jwt` (RFC 7523): the bus then holds no secret of it. A shared secret is there
for programs that can do no better; it is long and random, so its plain SHA-256 is what the registry keeps.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from lgsp_auth.client_authentication import ClientAuthenticator, refused
from lgsp_auth.keys import KeyRing
from lgsp_auth.one_time import ReplayGuard
from lgsp_auth.tokens import AUDIENCE, GENERATION_CLAIM, TOKEN_TYPE

DEFAULT_LIFE = 3600


class AccessTokens:
    """Signs access tokens as RFC 9068 has them.

    Args:
        issuer: the `iss` of the tokens.
        keys: gives the ring of the moment, so that a rotation needs no restart.
        life: how long a token counts, in seconds.
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
            generation: of the system's tokens.
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
    """Issues access tokens to the systems that prove who they are.

    Args:
        tokens: signs them.
        clients: finds out who asks.
        replays: sees to it that an assertion counts once.
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
            Refusal: with an error code of RFC 6749, section 5.2; `too-many-attempts`; `bus-unavailable`, where nobody can say
                whether an assertion was used before.
        """
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise refused("invalid_request", "thiếu tham số grant_type", "the parameter grant_type is missing")
        if grant_type != "client_credentials":
            raise refused(
                "unsupported_grant_type", "chỉ hỗ trợ client_credentials", "only client_credentials is supported"
            )
        asking = self._clients.authenticate(form, authorization, now)
        if asking.once:
            await self._replays.use(asking.once)
        client = asking.client
        return {
            "access_token": self._tokens.sign(client.system, now, bound, client.generation),
            "token_type": "DPoP" if bound else "Bearer",
            "expires_in": self._tokens.life,
        }
