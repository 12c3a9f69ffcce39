"""Access tokens: one verifier for HTTP and NATS.

A token is a JWT as RFC 9068 has it (`typ: at+jwt`), so that no other signed thing, such as a client assertion or an ID
token, passes for one. Which algorithms count is the issuer's entry here, never what the token says of itself.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lgsp_auth import signed_jwt
from lgsp_auth.public_jwk import VerificationKey
from lgsp_auth.signed_jwt import InvalidClaimError, MalformedJwtError
from lgsp_problems import Refusal

AUDIENCE = "lgsp"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type
GENERATION_CLAIM = "gen"
"""Names the generation of a system's tokens that a token of the bus is of; the first is not named."""
MAX_TOKEN_LENGTH = signed_jwt.MAX_LENGTH
MAX_REMEMBERED = 50_000
"""Verified tokens kept; about 20 MB when full. Each one saves some 300 µs per call (measured)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who holds a verified token.

    Args:
        system: the name of the system in the registry.
        token: the token's `jti`, which may be empty where another issuer signed it.
        issuer: the token's exact `iss`.
        key: the thumbprint of the key that signed it (RFC 7638).
        expires: seconds since 1970.
        bound: the thumbprint of the key that the token is bound to (RFC 9449), empty where whoever bears it may use it.
        own: whether the bus itself signed it; then it names the generation of tokens that it is of.
        generation: that generation.
        issued: seconds since 1970.
    """

    system: str
    token: str
    issuer: str
    key: str
    expires: float
    bound: str = ""
    own: bool = True
    generation: int = 0
    issued: float = 0.0


class Generation(NamedTuple):
    """The tokens of a system that count: those of the bus that name this number, and those that other issuers have issued
    since (seconds since 1970)."""

    number: int
    since: float

    def counts(self, identity: Identity) -> bool:
        """Tell whether a token is of this generation."""
        return identity.generation == self.number if identity.own else identity.issued >= self.since


FIRST = Generation(0, 0.0)
"""Of a system none of whose tokens were ended."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a verified token speaks of: a personal identification number, as a `citizen` or an `officer`. `bound` is the
    thumbprint of the key that the token is bound to, empty where whoever bears it may use it."""

    number: str
    kind: str
    bound: str = ""


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer whose tokens count.

    Args:
        name: its exact `iss`.
        algorithms: those it may use, whatever its tokens say.
        find_key: returns the key of a `kid`, None where the issuer does not use it (any more).
        refresh: asks the issuer for its keys, where it is another than the bus itself.
        audience, types: what its tokens must name as `aud` and `typ`.
        system_claim: the claim that names a system, empty where its tokens speak of no systems.
        systems: what the claim's values are called in the registry; a value that is not here is the name itself.
        person_claim: the claim that holds a personal identification number, empty where they speak of no people. A token that has
            it is a person's and no system's, whichever program it was issued to.
        person_kind: `citizen` or `officer`.
    """

    name: str
    algorithms: tuple[str, ...]
    find_key: Callable[[str], VerificationKey | None]
    refresh: Callable[[], Awaitable[bool]] | None = None
    audience: str = AUDIENCE
    types: tuple[str, ...] = (TOKEN_TYPE,)
    system_claim: str = "sub"
    systems: Mapping[str, str] = field(default_factory=dict)
    person_claim: str = ""
    person_kind: str = "citizen"

    @property
    def is_own(self) -> bool:
        """Whether this is the bus itself: nobody is asked for its keys."""
        return self.refresh is None


class UnknownKey(Refusal):
    """A token names a key that is not known: asking its issuer may help, once."""

    def __init__(self, refusal: Refusal, refresh: Callable[[], Awaitable[bool]]) -> None:
        super().__init__(refusal.code, vi=refusal.detail.vi, en=refusal.detail.en, headers=refusal.headers)
        self.refresh = refresh


class Verifier:
    """Turns an `Authorization` header into an identity, and remembers it by the token's hash until it expires.

    Args:
        generation: returns the tokens of a system that count. Whoever ends some calls `forget`, and whoever removes a signing key
            `forget_key`: what is remembered is not asked again.
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
        self._remembered: OrderedDict[bytes, Identity] = OrderedDict()
        self._gone_keys: set[tuple[str, str]] = set()

    def verify(self, authorization: str | None, now: float) -> Identity:
        """Return the holder of a token, as it is shown in an `Authorization` header.

        Raises:
            Refusal: `token-invalid`, with the `WWW-Authenticate` of RFC 6750.
        """
        scheme, token = _parse_authorization(authorization)
        digest = _digest(token)
        identity = self._remembered.get(digest)
        if identity is None:
            identity = self._verify_system_token(token, now)
            self._remember(digest, identity)
        if identity.expires <= now:
            self._remembered.pop(digest, None)
            raise invalid_token("đã hết hạn", "has expired")
        if bool(identity.bound) != (scheme == "dpop"):
            raise wrong_scheme()
        return identity

    def recall(self, digest: bytes, now: float) -> Identity | None:
        """Return the holder of a bearer token that was verified before, by its `bearer_digest`; None where it must be verified."""
        identity = self._remembered.get(digest)
        return identity if identity and identity.expires > now and not identity.bound else None

    def remembers(self, authorization: str | None) -> bool:
        """Tell whether the token of an `Authorization` header was verified before."""
        try:
            _, token = _parse_authorization(authorization)
        except Refusal:
            return False
        return _digest(token) in self._remembered

    def verify_person(self, token: str, now: float) -> Person:
        """Return the person whom a token speaks of.

        Raises:
            Refusal: `token-invalid`.
        """
        if not token or len(token) > MAX_TOKEN_LENGTH:
            raise invalid_token("của người được đại diện không hợp lệ", "of the person is not one")
        issuer, _, claims, expires = self._verify_claims(token.encode("utf-8", "surrogatepass"), now)
        if expires <= now:
            raise invalid_token("đã hết hạn", "has expired")
        number = _text_or_empty(claims, issuer.person_claim)
        if not number or not _is_of_person(claims, issuer):
            raise Refusal(
                "token-invalid",
                vi="Mã truy cập không nói về một người; hãy dùng mã do hệ thống định danh công dân hoặc cán bộ mà trục tin cậy cấp.",
                en="The access token does not speak of a person; use one of an issuer that speaks of people and that the bus trusts.",
                headers=_challenge("does not speak of a person"),
            )
        return Person(number, issuer.person_kind, _bound_to(claims))

    def forget(self, condition: Callable[[Identity], bool]) -> None:
        """Drop every remembered token whose identity meets a condition."""
        for digest in [digest for digest, identity in self._remembered.items() if condition(identity)]:
            del self._remembered[digest]

    def forget_key(self, issuer: str, key: str) -> None:
        """Drop every remembered token that an issuer signed with a key, which it uses no more.

        Args:
            issuer: the issuer's exact `iss`.
            key: the key's thumbprint (RFC 7638).
        """
        self._gone_keys.add((issuer, key))
        self.forget(lambda identity: identity.key == key and identity.issuer == issuer)

    def _remember(self, digest: bytes, identity: Identity) -> None:
        if len(self._remembered) >= self._limit:
            # The first to come is the first to expire, or nearly: looking through all of them would hold up everybody.
            self._remembered.popitem(last=False)
        self._remembered[digest] = identity

    def _verify_system_token(self, token: bytes, now: float) -> Identity:
        issuer, key, claims, expires = self._verify_claims(token, now)
        named = _text_or_empty(claims, issuer.system_claim)
        if not named:
            raise invalid_token("không nói về một hệ thống", "does not speak of a system")
        if _is_of_person(claims, issuer):  # it was issued to a system's program, and whoever signed in there holds it
            raise invalid_token("nói về một người, không phải một hệ thống", "speaks of a person and not of a system")
        identity = Identity(
            system=issuer.systems.get(named, named),
            token=_text_or_empty(claims, "jti"),
            issuer=issuer.name,
            key=key,
            expires=expires,
            bound=_bound_to(claims),
            own=issuer.is_own,
            generation=_generation_of(claims),
            issued=signed_jwt.time_claim(claims, "iat") or 0.0,
        )
        if not self.counts(identity):
            raise invalid_token("đã bị chấm dứt trước hạn", "was ended before it expired")
        self._gone_keys.discard((identity.issuer, identity.key))  # it is back
        return identity

    def still_counts(self, identity: Identity) -> bool:
        """Tell whether a token that was verified was neither ended since, nor its key removed. Whether it has expired is not
        looked at."""
        return self.counts(identity) and (identity.issuer, identity.key) not in self._gone_keys

    def counts(self, identity: Identity) -> bool:
        """Tell whether a token that was verified is of the generation of its system's tokens that counts."""
        return self._generation(identity.system).counts(identity)

    def _verify_claims(self, token: bytes, now: float) -> tuple[Issuer, str, Mapping[str, Any], float]:
        """Return issuer, the signing key's thumbprint, claims and expiry of a token that counts."""
        try:
            unverified = signed_jwt.parse(token)
        except MalformedJwtError as error:
            raise invalid_token("không phải JWT", "is not a JWT") from error
        named, algorithm = unverified.claims.get("iss"), unverified.header_text("alg")
        issuer = self._issuers.get(named) if isinstance(named, str) else None
        if issuer is None:
            raise invalid_token("do bên không được tin cậy cấp", "comes from an issuer that is not trusted here")
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
            raise invalid_token("có chữ ký sai", "carries a wrong signature") from error
        return issuer, key.thumbprint, claims, _check_claims(claims, issuer, now)


def bearer_digest(authorization: str | None) -> bytes:
    """Return under what a token is remembered; empty bytes where none is sent as `Authorization: Bearer`."""
    if authorization is None or not authorization.startswith("Bearer "):
        return b""
    return _digest(authorization[7:].encode("utf-8", "surrogatepass"))


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def _parse_authorization(authorization: str | None) -> tuple[str, bytes]:
    """Split an `Authorization` header into its scheme, in lower case, and its token."""
    if authorization is None:
        raise Refusal(
            "token-invalid",
            vi="Yêu cầu không kèm mã truy cập; hãy lấy mã ở /oauth2/token rồi gửi trong Authorization: Bearer.",
            en="The request carries no access token; take one at /oauth2/token and send it as Authorization: Bearer.",
            headers={"WWW-Authenticate": 'Bearer realm="lgsp"'},
        )
    scheme, _, token = authorization.partition(" ")
    scheme = scheme.lower()
    if scheme not in ("bearer", "dpop") or not token or len(token) > MAX_TOKEN_LENGTH:
        raise invalid_token("không ở dạng Authorization: Bearer", "is not sent as Authorization: Bearer")
    return scheme, token.strip().encode("utf-8", "surrogatepass")


def _check_claims(claims: Mapping[str, Any], issuer: Issuer, now: float) -> float:
    """Hold the claims of a token against RFC 9068, section 2.2; return when it expires."""
    try:
        signed_jwt.check_audience(claims, (issuer.audience,))
    except InvalidClaimError as error:
        raise invalid_token("được cấp cho nơi khác", "was issued for somebody else") from error
    try:
        signed_jwt.text_claim(claims, "sub")
        if issuer.is_own:
            signed_jwt.text_claim(claims, "jti")
        signed_jwt.check_times(claims, now, expiry=False)
        expires, issued = (signed_jwt.time_claim(claims, name) for name in ("exp", "iat"))
    except InvalidClaimError as error:
        raise invalid_token(error.vi, error.en) from error
    if expires is None or issued is None:
        raise invalid_token("thiếu exp hoặc iat", "lacks exp or iat")
    return expires


def _text_or_empty(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim that is a text; empty where it is missing or something else."""
    if not name:
        return ""
    try:
        return signed_jwt.text_claim(claims, name)
    except InvalidClaimError:
        return ""


def _is_of_person(claims: Mapping[str, Any], issuer: Issuer) -> bool:
    """Tell whether a token speaks of a person. Where nobody signed in, a claim like `sub` names the program itself (RFC 9068, section 2.2)."""
    person = claims.get(issuer.person_claim) if issuer.person_claim else None
    return person is not None and person != claims.get(issuer.system_claim)


def _generation_of(claims: Mapping[str, Any]) -> int:
    number = claims.get(GENERATION_CLAIM, 0)
    return number if isinstance(number, int) else -1


def _bound_to(claims: Mapping[str, Any]) -> str:
    """Return the thumbprint of the key that a token is bound to (RFC 9449, section 6.1); empty where it is bound to none."""
    confirmation = claims.get("cnf")
    if confirmation is None:
        return ""
    bound = confirmation.get("jkt") if isinstance(confirmation, dict) else None
    if not isinstance(bound, str) or not bound:
        # Bound to something that is not looked at here, such as a certificate (RFC 8705), it must not count for its bearer.
        raise invalid_token(
            "gắn với một khóa theo cách không hỗ trợ ở đây (chỉ cnf.jkt)",
            "is bound to a key in a way that is not supported here (only cnf.jkt is)",
        )
    return bound


def wrong_scheme() -> Refusal:
    """Make the refusal of a token that is shown as the other kind."""
    return invalid_token(
        "gắn với một khóa thì gửi bằng Authorization: DPoP, không thì Bearer",
        "is sent as Authorization: DPoP where it is bound to a key, as Bearer where not",
    )


def invalid_token(vi: str, en: str) -> Refusal:
    """Make the refusal of a token that does not count: both texts say what is wrong with it, as the rest of a sentence."""
    return Refusal(
        "token-invalid",
        vi=f"Mã truy cập {vi}; hãy lấy mã mới ở /oauth2/token.",
        en=f"The access token {en}; take a new one at /oauth2/token.",
        headers=_challenge(en),
    )


def _challenge(why: str) -> dict[str, str]:
    """What RFC 6750 has a server say of a token."""
    return {"WWW-Authenticate": f'Bearer realm="lgsp", error="invalid_token", error_description="The token {why}"'}
