"""Who is there: the system behind an access token, and the person on whose behalf it calls.

One place for HTTP and NATS. A token signed by a key that is not known yet is tried once more after its issuer was asked.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple, TypeVar

from lgsp_auth.dpop import verify_proof
from lgsp_auth.identity import FIRST, Generation, Identity, Person
from lgsp_auth.one_time import ReplayGuard
from lgsp_auth.policy import Officer
from lgsp_auth.token_errors import UnknownKey, invalid_token, wrong_scheme
from lgsp_auth.tokens import Verifier
from lgsp_gateway.calls.auth_failure_limiter import AuthFailureLimiter
from lgsp_gateway.calls.model import Credentials
from lgsp_gateway.registry.indexed_documents import System
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal

T = TypeVar("T")


class Caller(NamedTuple):
    """A registered system that has shown a token, or an officer who calls by the form system of an agency.

    Args:
        system: as it was registered at that time.
        identity: what the token says; it is bound to a key where its holder has proved to hold that key.
        officer: None where a system calls by itself.
    """

    system: System
    identity: Identity
    officer: Officer | None = None

    @property
    def bound(self) -> bool:
        """Tell whether the system proved that it holds the key that its token is bound to."""
        return bool(self.identity.bound)


_NO_TOKEN = Identity(system="", token="", issuer="", key="", expires=0.0)


def calling_officer(officer: Officer, form_system: System) -> Caller:
    """Return the caller that an officer is who has signed in.

    Args:
        form_system: of the officer's agency.
    """
    return Caller(form_system, _NO_TOKEN, officer)


def trying_system(system: System) -> Caller:
    """Return the caller for which one of its people tries an operation."""
    return Caller(system, _NO_TOKEN)


class Identification:
    """Verifies tokens and looks their holders up.

    Args:
        base: the address under which callers reach the bus, which is what their proofs name.
        replays: sees to it that a proof counts once.
    """

    def __init__(self, verifier: Verifier, registry: RegistrySnapshot, base: str, replays: ReplayGuard) -> None:
        self._verifier = verifier
        self._registry = registry
        self._base = base
        self.replays = replays
        self.failures = AuthFailureLimiter()
        self._generations: dict[str, Generation] = {}
        registry.on_change(self._forget_ended_tokens)

    def _forget_ended_tokens(self, kind: str, name: str) -> None:
        """Forget the tokens of a system that were ended: one that is remembered is not verified again when it calls."""
        if kind == "System":
            generation = self._registry.generation(name)
            if self._generations.get(name, FIRST) != generation:
                self._generations[name] = generation
                self._verifier.forget(lambda known: known.system == name and not generation.includes(known))

    def recall(self, shown: Credentials, now: float) -> Caller | None:
        """Return the caller whose bearer token was verified before; None where `caller` must look."""
        identity = self._verifier.recall(shown.digest, now)
        system = self._registry.systems.get(identity.system) if identity else None
        return Caller(system, identity) if system and identity else None

    def still_counts(self, caller: Caller) -> bool:
        """Tell whether a caller would be let in now as it was then: its tokens were not ended, their key is not gone, and its system
        has all the roles that it had. What is sent for days asks again and again; it may outlive the token's expiry.

        Args:
            caller: as it was identified.
        """
        system = self._registry.systems.get(caller.system.name)
        return (
            system is not None
            and caller.system.roles <= system.roles
            and self._verifier.is_still_valid(caller.identity)
        )

    async def caller(self, shown: Credentials, now: float) -> Caller:
        """Return the registered system that holds a token.

        Raises:
            Refusal: `token-invalid`, `invalid_dpop_proof`, `too-many-attempts` or `bus-unavailable`.
        """
        if not (self.failures.may_try(shown.address) or self._verifier.remembers(shown.authorization)):
            raise await self.failures.delayed_refusal()
        try:
            return await self._caller(shown, now)
        except Refusal as refusal:
            self._count_failure(shown, refusal)
            raise

    def _count_failure(self, shown: Credentials, refusal: Refusal) -> None:
        """Count a refusal against an address, unless it is no fault of whoever sends from there, as while NATS is away.

        Where no token was shown no signature was checked, so that costs nothing that would have to be limited.
        """
        if shown.authorization and refusal.kind.status == HTTPStatus.UNAUTHORIZED:
            self.failures.record_failure(shown.address)

    async def _caller(self, shown: Credentials, now: float) -> Caller:
        try:
            identity = self._verifier.verify(shown.authorization, now)
        except UnknownKey as unknown:
            identity = await _verify_after_refresh(unknown, lambda: self._verifier.verify(shown.authorization, now))
        if identity.bound:
            await self._use_proof(shown, identity.bound, now)
        system = self._registry.systems.get(identity.system)
        if system is None:
            raise invalid_token("thuộc về hệ thống không còn đăng ký", "belongs to a system that is not registered")
        return Caller(system, identity)

    async def _use_proof(self, shown: Credentials, bound: str, now: float) -> None:
        """Hold the proof beside a token against the key that the token is bound to, and use it.

        Raises:
            Refusal: `invalid_dpop_proof`, `token-invalid`, `too-many-attempts` or `bus-unavailable`.
        """
        token = (shown.authorization or "").partition(" ")[2].strip()
        proof = verify_proof(shown.proof, shown.method, self._base + shown.path, now, token)
        if proof.thumbprint != bound:
            raise invalid_token("gắn với một khóa khác", "is bound to another key")
        await self.replays.use(proof.one_time)

    async def citizen(self, shown: Credentials, now: float) -> Person:
        """Return the citizen whose own token is shown.

        Raises:
            Refusal: `token-invalid`, `invalid_dpop_proof`, `too-many-attempts` or `bus-unavailable`.
        """
        if not self.failures.may_try(shown.address):
            raise await self.failures.delayed_refusal()
        try:
            scheme, _, token = (shown.authorization or "").partition(" ")
            if scheme.lower() not in ("bearer", "dpop"):
                raise invalid_token("phải gửi trong Authorization: Bearer", "is sent as Authorization: Bearer")
            person = await self._person(token.strip(), now)
            if bool(person.bound) != (scheme.lower() == "dpop"):
                raise wrong_scheme()
            if person.bound:
                await self._use_proof(shown, person.bound, now)
            if person.kind != "citizen":
                raise invalid_token("không phải của công dân", "is not one of a citizen")
        except Refusal as refusal:
            self._count_failure(shown, refusal)
            raise
        return person

    async def person(self, token: str, now: float) -> Person:
        """Return the person whom a token speaks of that somebody else shows.

        Raises:
            Refusal: `token-invalid`, also for a token that is bound to a key: who shows it cannot prove that the key is theirs.
        """
        person = await self._person(token, now)
        if person.bound:
            raise invalid_token(
                "của người được đại diện gắn với một khóa nên bên khác không dùng được",
                "of the person is bound to a key, so nobody else can show it",
            )
        return person

    async def _person(self, token: str, now: float) -> Person:
        try:
            return self._verifier.verify_person(token, now)
        except UnknownKey as unknown:
            return await _verify_after_refresh(unknown, lambda: self._verifier.verify_person(token, now))


async def _verify_after_refresh(unknown: UnknownKey, verify: Callable[[], T]) -> T:
    if not await unknown.refresh():
        raise unknown
    return verify()
