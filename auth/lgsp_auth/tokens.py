"""The verifier of access tokens, for HTTP and NATS.

A token is a JWT in the format of RFC 9068 (`typ: at+jwt`), so that no other signed JWT, such as a client assertion or an ID token, is
accepted as one. The accepted algorithms are configured for the issuer, never taken from the token.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lgsp_auth import signed_jwt
from lgsp_auth.authorization_header import MAX_TOKEN_LENGTH, digest_of, parse_authorization
from lgsp_auth.identity import FIRST, Generation, Identity, Person
from lgsp_auth.signed_jwt import MalformedJwtError
from lgsp_auth.token_claims import check_claims, generation_of, is_of_person, key_binding_of, text_or_empty
from lgsp_auth.token_errors import UnknownKey, challenge, invalid_token, wrong_scheme
from lgsp_auth.trusted_issuer import Issuer
from lgsp_problems import Refusal

MAX_REMEMBERED = 50_000
"""Verified tokens that are cached, about 20 MB when full. A cached token saves some 300 µs per call (measured)."""


class Verifier:
    """Verifies tokens of `Authorization` headers, and caches their identities by the token's digest until they expire.

    Args:
        issuers: the trusted issuers.
        remember: the most identities to cache.
        generation: returns the valid generation of a system's tokens. Cached identities are not verified again: whoever revokes tokens
            calls `forget`, and whoever removes a signing key calls `forget_key`.
    """

    def __init__(
        self,
        issuers: Iterable[Issuer],
        remember: int = MAX_REMEMBERED,
        generation: Callable[[str], Generation] = lambda _: FIRST,
    ) -> None:
        self._limit = remember
        self._generation = generation
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._identities: OrderedDict[bytes, Identity] = OrderedDict()
        self._removed_keys: set[tuple[str, str]] = set()

    def verify(self, authorization: str | None, now: float) -> Identity:
        """Verify the token of an `Authorization` header; return its holder.

        Raises:
            Refusal: `token-invalid`, with the `WWW-Authenticate` of RFC 6750.
        """
        scheme, token = parse_authorization(authorization)
        digest = digest_of(token)
        identity = self._identities.get(digest)
        if identity is None:
            identity = self._verify_system_token(token, now)
            self._remember(digest, identity)
        if identity.expires <= now:
            self._identities.pop(digest, None)
            raise invalid_token("đã hết hạn", "has expired")
        if bool(identity.bound) != (scheme == "dpop"):
            raise wrong_scheme()
        return identity

    def recall(self, digest: bytes, now: float) -> Identity | None:
        """Return the holder of a bearer token that was verified before, by its `bearer_digest`; None where it must be verified."""
        identity = self._identities.get(digest)
        return identity if identity and identity.expires > now and not identity.bound else None

    def remembers(self, authorization: str | None) -> bool:
        """Tell whether the token of an `Authorization` header was verified before."""
        try:
            _, token = parse_authorization(authorization)
        except Refusal:
            return False
        return digest_of(token) in self._identities

    def verify_person(self, token: str, now: float) -> Person:
        """Verify a token that names a person; return the person.

        Raises:
            Refusal: `token-invalid`.
        """
        if not token or len(token) > MAX_TOKEN_LENGTH:
            raise invalid_token("của người được đại diện không hợp lệ", "of the person is not valid")
        issuer, _, claims, expires = self._verify_claims(token.encode("utf-8", "surrogatepass"), now)
        if expires <= now:
            raise invalid_token("đã hết hạn", "has expired")
        number = text_or_empty(claims, issuer.person_claim)
        if not number or not is_of_person(claims, issuer):
            raise Refusal(
                "token-invalid",
                vi="Mã truy cập không nói về một người; hãy dùng mã do hệ thống định danh công dân hoặc cán bộ mà trục tin cậy cấp.",
                en="The access token does not name a person; use one from a trusted issuer of tokens for citizens or officers.",
                headers=challenge("does not name a person"),
            )
        return Person(number, issuer.person_kind, key_binding_of(claims))

    def forget(self, condition: Callable[[Identity], bool]) -> None:
        """Drop every cached identity that meets a condition."""
        for digest in [digest for digest, identity in self._identities.items() if condition(identity)]:
            del self._identities[digest]

    def forget_key(self, issuer: str, key: str) -> None:
        """Drop every cached identity whose token was signed with a removed key of an issuer.

        Args:
            issuer: the issuer's exact `iss`.
            key: the key's thumbprint (RFC 7638).
        """
        self._removed_keys.add((issuer, key))
        self.forget(lambda identity: identity.key == key and identity.issuer == issuer)

    def _remember(self, digest: bytes, identity: Identity) -> None:
        if len(self._identities) >= self._limit:
            # The oldest expires first, or nearly: searching all of them would delay every call.
            self._identities.popitem(last=False)
        self._identities[digest] = identity

    def _verify_system_token(self, token: bytes, now: float) -> Identity:
        issuer, key, claims, expires = self._verify_claims(token, now)
        name = text_or_empty(claims, issuer.system_claim)
        if not name:
            raise invalid_token("không nói về một hệ thống", "does not name a system")
        if is_of_person(claims, issuer):  # issued to a system's program, but held by whoever signed in there
            raise invalid_token("nói về một người, không phải một hệ thống", "names a person and not a system")
        identity = Identity(
            system=issuer.systems.get(name, name),
            token=text_or_empty(claims, "jti"),
            issuer=issuer.name,
            key=key,
            expires=expires,
            bound=key_binding_of(claims),
            own=issuer.is_own,
            generation=generation_of(claims),
            issued=signed_jwt.time_claim(claims, "iat") or 0.0,
        )
        if not self._is_of_valid_generation(identity):
            raise invalid_token("đã bị thu hồi trước hạn", "was revoked before it expired")
        self._removed_keys.discard((identity.issuer, identity.key))  # the issuer uses the key again
        return identity

    def is_still_valid(self, identity: Identity) -> bool:
        """Tell whether a verified token was neither revoked since, nor its key removed. Its expiry is not checked."""
        return self._is_of_valid_generation(identity) and (identity.issuer, identity.key) not in self._removed_keys

    def _is_of_valid_generation(self, identity: Identity) -> bool:
        return self._generation(identity.system).includes(identity)

    def _verify_claims(self, token: bytes, now: float) -> tuple[Issuer, str, Mapping[str, Any], float]:
        """Verify a token; return its issuer, the signing key's thumbprint, its claims and its expiry."""
        try:
            unverified = signed_jwt.parse(token)
        except MalformedJwtError as error:
            raise invalid_token("không phải JWT", "is not a JWT") from error
        issuer_name, algorithm = unverified.claims.get("iss"), unverified.header_text("alg")
        issuer = self._issuers.get(issuer_name) if isinstance(issuer_name, str) else None
        if issuer is None:
            raise invalid_token("do bên không được tin cậy cấp", "comes from an untrusted issuer")
        key = issuer.find_key(unverified.header_text("kid"))
        if algorithm not in issuer.algorithms or key is None:
            refusal = invalid_token("không do khóa đang dùng của bên cấp ký", "is not signed by a key the issuer uses")
            if key is None and issuer.refresh and algorithm in issuer.algorithms:
                raise UnknownKey(refusal, issuer.refresh)
            raise refusal
        if (unverified.header_text("typ") or "JWT").lower().removeprefix("application/") not in issuer.types:
            raise invalid_token("không phải mã truy cập (typ at+jwt)", "is not an access token (typ at+jwt)")
        try:
            claims = signed_jwt.verify_signature(token, key.key, (algorithm,))
        except MalformedJwtError as error:
            raise invalid_token("có chữ ký sai", "has an invalid signature") from error
        return issuer, key.thumbprint, claims, check_claims(claims, issuer, now)
