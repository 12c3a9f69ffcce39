"""Administrators, integrators, developers and operators of several agencies who try everything, against the real registry.

Each step is one that somebody could take over HTTP, decided and written by the gateway's own code on a real nats-server. What
must hold is told here once more, in other words than the gateway's: who owns a name, whose approvals a grant has, who knows
a secret.
"""

import asyncio
import copy
import hashlib
import shutil
import sys
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lgsp_auth.client_authentication import ClientAuthenticator
from lgsp_auth.issuing import AccessTokens, TokenEndpoint
from lgsp_auth.policy import AuthorizationRequest, decide
from lgsp_auth.principal import Principal
from lgsp_auth.signing_keys import KeyRing, SigningKey
from lgsp_gateway.calls.replay_guard import JetStreamReplayGuard
from lgsp_gateway.registry.administration import Administration
from lgsp_gateway.registry.name_history import NameHistory
from lgsp_gateway.registry.permission import Permission
from lgsp_gateway.registry.persons import principal_of_system
from lgsp_gateway.registry.replica import RegistryReplica
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.store import DocumentStore
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import NatsEndpoint, connect
from lgsp_runtime.nats.request_reply import NatsRequestReply
from lgsp_runtime.security_events import SecurityLog
from support.processes import Process, free_port
from support.workbench import CONTRACTS, TEXT, document

T = TypeVar("T")

AGENCIES = ("H49.1", "H49.2", "H49.3")
SECRET = "known to whoever is no operator"
RANKS = {"open": 0, "internal": 1, "personal": 2}
UNLIKELY = st.sampled_from([False, False, False, True])


class World:
    """A registry on a nats-server of its own, in this process."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._folder = folder
        self.numbers = count()
        self.registry = RegistrySnapshot()
        key = SigningKey.generate()
        clients = ClientAuthenticator(("https://x",), self.registry.client)
        self.endpoint = TokenEndpoint(
            AccessTokens("https://x", lambda: KeyRing([key])), clients, JetStreamReplayGuard(NatsRequestReply())
        )

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end."""
        return self._runner.run(work)

    def start(self) -> "World":
        self.do(self._start())
        return self

    async def _start(self) -> None:
        binary = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        assert binary
        port = free_port()
        command = [binary, "-js", "-sd", str(self._folder / "js"), "-a", "127.0.0.1", "-p", str(port)]
        self._nats = Process(command, self._folder / "nats.log")
        await self._nats.start(wait_ready=False)
        self._connection = await connect(NatsEndpoint(f"nats://127.0.0.1:{port}"), "attackers")
        self._calls = await connect_for_calls(NatsEndpoint(f"nats://127.0.0.1:{port}"), "attackers")
        self._bus = NatsRequestReply()
        await self._bus.start(self._calls)
        self.store = DocumentStore(self._bus)
        await self.store.start(self._connection, 1)
        for agency in AGENCIES:
            await self.store.write("Agency", agency, {"title": TEXT}, 0, "test", "")
        root = {"agency": "H49.3", "title": TEXT, "roles": ["operator"]}
        await self.store.write("System", "root", root, 0, "test", "")
        self.follower = RegistryReplica(self.store, self.registry)
        await self.follower.start(self._connection, Background())

    def principal(self, system: str) -> Principal:
        """A system as it acts by itself."""
        return principal_of_system(self.registry.systems[system])

    def administration(self, permission: type[Permission]) -> Administration:
        """The way into this registry, guarded as said."""
        decides = permission(self.registry, NameHistory(self.registry, self.store))
        return Administration(self.registry, self.store, self.follower, SecurityLog("", "test"), decides)

    async def another_gateway(self) -> tuple[RegistryReplica, Administration]:
        """A second gateway, which hears of changes by its own follower."""
        registry = RegistrySnapshot()
        follower = RegistryReplica(self.store, registry)
        await follower.start(self._connection, Background())
        return follower, Administration(registry, self.store, follower, SecurityLog("", "test"))

    def stop(self) -> None:
        self.do(self._stop())
        self._runner.close()

    async def _stop(self) -> None:
        await self.follower.stop()
        self._bus.stop()
        await self._calls.close()
        await self._connection.close()
        await self._nats.stop()


def contract(service: str, major: int, provider: str, ranks: dict[str, str], answers: dict[str, str]) -> dict[str, Any]:
    """A contract: how its operations are classified, and what each answers."""
    found = {**CONTRACTS[0], "service": service, "version": f"{major}.0.0", "provider": provider}
    operations = {}
    for name, rank in ranks.items():
        operation = copy.deepcopy(CONTRACTS[0]["operations"]["read"])
        operation["response"]["properties"] |= {answers[name]: {"type": "string"}}
        operations[name] = {**operation, "classification": rank}
    return {**found, "operations": operations}


class Attackers(RuleBasedStateMachine):
    """One example: people and documents whose names nobody else uses."""

    world: ClassVar[World]
    permission: ClassVar[type[Permission]] = Permission
    counted: ClassVar[Counter[str]]

    @initialize()
    def begin(self) -> None:
        self.p = f"e{next(self.world.numbers)}-"
        self.administration = self.world.administration(self.permission)
        self.owner: dict[str, str] = {}  # of a service document, by its name
        self.ranks: dict[tuple[str, str], int] = {}  # service and operation
        self.published: dict[str, Any] = {}  # contracts as an operator published them
        self.roled: dict[str, Any] = {}  # systems with roles, as an operator wrote them
        self.agency: dict[str, str] = {}  # of a system, also a deleted one
        self.endorsed: dict[str, dict[str, tuple[Principal, Any]]] = {}  # by grant and system: what it approved last
        self.last: Principal = self.world.principal("root")
        people = {
            "adm-a": (0, ["agency-admin"]),
            "int-a": (0, ["integrator"]),
            "dev-a": (0, ["developer"]),
            "op-a": (0, ["operator"]),
            "both-a": (0, ["operator", "agency-admin"]),
            "adm-b": (1, ["agency-admin", "integrator"]),
            "dev-b": (1, ["developer"]),
            "aud-b": (1, ["auditor"]),
            "op-c": (2, ["operator"]),
            "sys-a": (0, []),
            "sys-b": (1, []),
        }
        for name, (agency, roles) in people.items():
            spec = {"agency": AGENCIES[agency], "title": TEXT, "roles": roles, "secretSha256": "0" * 64}
            self.try_put("root", "System", self.p + name, spec)
        self.people = [self.p + name for name, (_, roles) in people.items() if roles]
        self.systems = [self.p + name for name in ("sys-a", "sys-b", "new-1", "new-2")]
        base = contract(self.p + "base", 1, self.p + "sys-a", {"read": "internal", "person": "personal"}, ANSWERS)
        self.try_put("root", "Service", f"{self.p}base-v1", {"contract": base, "phase": "published"})
        self.counted["steps"] -= len(people) + 1
        self.counted["accepted"] -= len(people) + 1

    # Steps

    @rule(data=st.data())
    def change_a_system(self, data: st.DataObject) -> None:
        name = self.p + data.draw(
            st.sampled_from(["new-1", "new-2", "sys-b", "sys-a", "op-a", "adm-a", "aud-b", "dev-b"])
        )
        known = self.world.registry.systems.get(name)
        agency = known.agency if known else data.draw(st.sampled_from(AGENCIES[:2]))
        version = self.world.registry.versions["System"].get(name)
        spec = copy.deepcopy(version.spec) if version and version.spec else {"agency": agency, "title": TEXT}
        what = data.draw(st.sampled_from(["title", "secret", "secret", "roles", "agency", "no keys"]))
        if what == "title":
            spec["title"] = {"vi": "Khác", "en": data.draw(st.sampled_from(["A", "B"]))}
        elif what == "secret":
            spec["secretSha256"] = hashlib.sha256(SECRET.encode()).hexdigest()
        elif what == "roles":
            spec["roles"] = data.draw(st.sampled_from([["operator"], ["auditor"], []]))
        elif what == "agency":
            spec["agency"] = data.draw(st.sampled_from(AGENCIES[:2]))
        else:
            spec.pop("secretSha256", None)
        who = self.someone(data, [f"{self.p}adm-{'a' if agency == AGENCIES[0] else 'b'}"])
        if "operator" in self.roles(who):  # an operator gives no power to whom it should not, and no service away
            spec["secretSha256"] = "1" * 64
            spec["agency"] = self.agency.get(name, spec["agency"])
        self.try_put(who, "System", name, spec)

    @rule(data=st.data())
    def delete_a_system(self, data: st.DataObject) -> None:
        name = self.p + data.draw(st.sampled_from(["new-1", "new-2", "op-a", "aud-b"]))
        known = self.world.registry.systems.get(name)
        who = self.someone(data, [f"{self.p}adm-{'a' if known and known.agency == AGENCIES[0] else 'b'}"])
        if "operator" not in self.roles(who):
            self.try_delete(who, "System", name)

    @rule(data=st.data())
    def change_a_service(self, data: st.DataObject) -> None:
        service = data.draw(st.sampled_from(["base", "extra"]))
        major = data.draw(st.sampled_from([1, 2]))
        name = f"{self.p}{service}-v{major}"
        version = self.world.registry.versions["Service"].get(name)
        spec = copy.deepcopy(version.spec) if version and version.spec else {}
        phase = spec.get("phase", "-")
        to = data.draw(st.sampled_from(NEXT[phase]))
        if not spec or (phase == "draft" and data.draw(st.booleans())) or data.draw(UNLIKELY):
            names = data.draw(st.sampled_from([["read"], ["read", "person"], ["person"], ["read", "alias"]]))
            ranks = {at: data.draw(st.sampled_from(LIKELY[at])) for at in names}
            answers = ANSWERS | {"alias": data.draw(st.sampled_from(["hoVaTen", "khac"]))}
            provider = self.p + data.draw(st.sampled_from(["sys-a", "sys-a", "sys-b"]))
            spec["contract"] = contract(self.p + service, major, provider, ranks, answers)
        spec["phase"] = to
        spec.pop("deprecation", None)
        if to in ("deprecated", "retired"):
            spec["deprecation"] = {"since": "2026-01-01", "sunset": "2026-06-30"}
        own = spec["contract"]["provider"] == f"{self.p}sys-a"
        likely = (
            [f"{self.p}op-c"] if to in ("published", "deprecated") else [f"{self.p}int-a" if own else f"{self.p}adm-b"]
        )
        self.try_put(self.someone(data, likely), "Service", name, spec)

    @rule(data=st.data())
    def delete_a_service(self, data: st.DataObject) -> None:
        name = f"{self.p}extra-v{data.draw(st.sampled_from([1, 2]))}"
        version = self.world.registry.versions["Service"].get(name)
        own = self.owner.get(name) == AGENCIES[0]
        if version is None:
            self.change_a_service(data)
        else:
            self.try_delete(self.someone(data, [f"{self.p}int-a" if own else f"{self.p}adm-b"]), "Service", name)

    @rule(data=st.data())
    def change_a_grant(self, data: st.DataObject) -> None:
        name = f"{self.p}g{data.draw(st.sampled_from([1, 2]))}"
        known = self.world.registry.versions["Grant"].get(name)
        consumer = self.p + data.draw(st.sampled_from(["sys-b", "sys-a", "new-1"]))
        if known and known.spec and not data.draw(UNLIKELY):
            consumer = known.spec["consumer"]
        wanted = data.draw(st.sampled_from([["read"], ["read"], ["person"], ["read", "person"]]))
        fields = data.draw(st.sampled_from([["*"], ["/ketQua"]]))
        spec = {
            "consumer": consumer,
            "service": f"{self.p}base",
            "major": 1,
            "operations": {operation: {"fields": fields} for operation in wanted},
            "purposes": data.draw(st.sampled_from([["thu-nghiem"], ["thu-nghiem", "khac"]])),
            "legalBasis": "Thử nghiệm",
            "quota": {"requests": data.draw(st.sampled_from([10, 100])), "per": "hour"},
            "validFrom": "2020-01-01",
            "validUntil": data.draw(st.sampled_from(["2030-01-01", "2040-01-01"])),
        }
        asked = [f"{self.p}dev-b", f"{self.p}adm-b"] if "sys-b" in consumer else []
        self.try_put(self.someone(data, [f"{self.p}adm-a", f"{self.p}adm-a", *asked]), "Grant", name, spec)

    @rule(data=st.data())
    def act_on_a_grant(self, data: st.DataObject) -> None:
        found = [name for n in (1, 2) if (name := f"{self.p}g{n}") in self.world.registry.versions["Grant"]]
        if not found:
            self.change_a_grant(data)
            return
        name = data.draw(st.sampled_from(found))
        phase = self.world.registry.versions["Grant"][name].status.get("phase", "in-force")
        action, likely = data.draw(st.sampled_from(STEPS[phase]))
        if data.draw(UNLIKELY):
            action = data.draw(st.sampled_from(["approve", "resume", "suspend"]))
        who = self.someone(data, [self.p + one for one in likely])
        if action == "delete":
            self.try_delete(who, "Grant", name)
            return
        version = self.attempt(who, lambda caller: self.administration.act_on_grant(caller, name, action, "vì", ""))
        if version and action == "approve":
            self.endorse(name, who, version.spec)
        if version and action == "deny":
            self.endorsed.pop(name, None)

    # How a step is taken, and what it means

    def someone(self, data: st.DataObject, likely: list[str]) -> str:
        """Mostly somebody who may, now and then anybody."""
        found: str = data.draw(st.sampled_from(self.people if data.draw(UNLIKELY) else likely))
        return found

    def roles(self, who: str) -> frozenset[str]:
        found = self.world.registry.systems.get(who)
        return found.roles if found else frozenset()

    def attempt(self, who: str, step: Any) -> Any:
        """Take a step; what became of it, or None where it was refused."""
        if who not in self.world.registry.systems:
            return None
        caller = self.world.principal(who)
        self.last = caller
        self.counted["steps"] += 1
        try:
            done = self.world.do(step(caller))
        except Refusal as refusal:
            self.counted[f"refused: {refusal.code}"] += 1
            return None
        self.counted["accepted"] += 1
        return done

    def try_put(self, who: str, kind: str, name: str, spec: dict[str, Any]) -> None:
        known = self.world.registry.versions[kind].get(name)
        before, revision = (known.spec, known.revision) if known else (None, 0)
        sent = document(kind, name, **spec)
        if not self.attempt(who, lambda caller: self.administration.put(caller, sent, revision, "")):
            return
        operator = "operator" in self.last.roles
        if kind == "System":
            self.system_written(name, spec, operator)
        elif kind == "Service":
            self.service_written(name, before, spec, operator)
        else:
            if before is None:
                self.endorsed.pop(name, None)
            self.endorse(name, who, spec)

    def try_delete(self, who: str, kind: str, name: str) -> None:
        known = self.world.registry.versions[kind].get(name)
        if known is None:
            return
        phase = (known.spec or {}).get("phase", "published") if kind == "Service" else ""
        if not self.attempt(who, lambda caller: self.administration.delete(caller, kind, name, known.revision, "")):
            return
        if "operator" not in self.last.roles:
            assert phase not in ("published", "deprecated", "retired"), f"{who} deleted {name}, which was published"
            assert name not in self.roled, f"{who} deleted {name}, which has roles"
        self.roled.pop(name, None)
        self.published.pop(name, None)

    def system_written(self, name: str, spec: dict[str, Any], operator: bool) -> None:
        if not operator:
            assert self.agency.get(name, spec["agency"]) == spec["agency"], f"{name} went to another agency"
        self.agency[name] = spec["agency"]
        if operator and spec.get("roles"):
            self.roled[name] = {**spec, "title": None}
        elif operator:
            self.roled.pop(name, None)

    def service_written(self, name: str, before: Any, spec: dict[str, Any], operator: bool) -> None:
        written = spec["contract"]
        service = written["service"]
        agency = self.agency[written["provider"]]
        if not operator:
            owners = {of for at, of in self.owner.items() if at.rpartition("-v")[0] == service}
            known = owners if before is None else {self.owner[name]}
            assert known <= {self.last.agency}, f"{self.last.name} took the name of {service}"
        self.owner[name] = agency
        said = (before or {}).get("contract", {}).get("operations", {})
        for operation, content in written["operations"].items():
            rank = RANKS[content["classification"]]
            known_rank = self.ranks.get((service, operation), 0)
            if operation in said:  # an operator may have lowered it here, and not in another version
                known_rank = RANKS[said[operation]["classification"]]
            assert operator or rank >= known_rank, f"{self.last.name} lowered {service} {operation}"
            self.ranks[service, operation] = rank
        if operator and spec["phase"] in ("published", "deprecated"):
            self.published[name] = written

    def endorse(self, name: str, who: str, spec: Any) -> None:
        self.endorsed.setdefault(name, {})[who] = (self.last, spec)

    # What holds after every step

    @invariant()
    def nobody_gains_a_role_or_the_token_of_one(self) -> None:
        for system in self.here(self.world.registry.systems):
            spec = self.world.registry.versions["System"][system].spec or {}
            if not spec.get("roles"):
                continue
            assert self.roled.get(system) == {**spec, "title": None}, f"{system} is not what an operator made it"
            form = {"grant_type": "client_credentials", "client_id": system, "client_secret": SECRET}
            try:
                self.world.do(self.world.endpoint.issue(form, None, time.time()))
            except Refusal:
                continue
            raise AssertionError(f"a token of {system} for somebody else")

    @invariant()
    def nobody_provides_what_another_agency_owns(self) -> None:
        registry = self.world.registry
        for system in self.here(registry.systems):
            for service, _ in registry.services.provided_by(system):
                owners = {
                    of
                    for name, of in self.owner.items()
                    if name in registry.versions["Service"] and name.rpartition("-v")[0] == service
                }
                assert registry.systems[system].agency in owners, f"{system} provides {service}"

    @invariant()
    def an_operator_published_what_is_in_force(self) -> None:
        for name in self.here(self.world.registry.versions["Service"]):
            spec = self.world.registry.versions["Service"][name].spec or {}
            if spec["phase"] in ("published", "deprecated"):
                assert self.published.get(name) == spec["contract"], f"nobody published this contract of {name}"

    @invariant()
    def two_approved_what_shows_personal_data(self) -> None:
        registry = self.world.registry
        for name in self.here(registry.grants):
            grant = registry.grants.get(name)
            served = registry.contract(grant.service, grant.major)
            version = registry.versions["Grant"][name]
            if served is None or version.status.get("phase") != "in-force":
                continue
            personal = [at for at in grant.operations if served.operations[at].classification == "personal"]
            if not personal:
                continue
            assert self.two_approved(name, version.spec), f"{name} shows personal data: {version.status}"
            ask = AuthorizationRequest(grant.consumer, grant.service, grant.major, personal[0], "thu-nghiem", True)
            decide(ask, [grant], time.time())

    def two_approved(self, name: str, spec: Any) -> bool:
        approving = [by for by, seen in self.endorsed.get(name, {}).values() if not wider(spec, seen)]
        provider = self.agency[f"{self.p}sys-a"]
        of_provider = {by.name for by in approving if "agency-admin" in by.roles and by.agency == provider}
        operators = {by.name for by in approving if "operator" in by.roles}
        return any(one != other for one in of_provider for other in operators)

    def here(self, names: Any) -> Iterator[str]:
        """Of this example's names."""
        return (name for name in list(names) if name.startswith(self.p))


def wider(spec: Any, seen: Any) -> bool:
    """Does a grant allow anything that somebody did not see?"""

    def shown(one: Any) -> set[tuple[str, str]]:
        return {
            (operation, field)
            for operation, content in one["operations"].items()
            for field in (("/ketQua", "the rest") if content["fields"] == ["*"] else ("/ketQua",))
        }

    return not (
        shown(spec) <= shown(seen)
        and set(spec["purposes"]) <= set(seen["purposes"])
        and spec["validUntil"] <= seen["validUntil"]
        and spec["quota"]["requests"] <= seen["quota"]["requests"]
        and spec["consumer"] == seen["consumer"]
    )


ANSWERS = {"read": "tonTai", "person": "hoVaTen"}
LIKELY = {
    "read": ["internal", "internal", "open"],
    "person": ["personal", "personal", "internal"],
    "alias": ["internal", "personal"],
}
NEXT = {
    "-": ["draft", "draft", "submitted", "published"],
    "draft": ["draft", "submitted", "published"],
    "submitted": ["draft", "published"],
    "published": ["published", "deprecated"],
    "deprecated": ["published", "deprecated", "retired"],
    "retired": ["retired", "published"],
}
STEPS: dict[str, list[tuple[str, list[str]]]] = {
    "requested": [("approve", ["adm-a"]), ("approve", ["op-c", "op-a", "both-a"]), ("deny", ["adm-a"])],
    "awaiting-operator": [("approve", ["op-c", "op-a", "both-a"]), ("approve", ["op-c"]), ("deny", ["op-c"])],
    "awaiting-provider": [("approve", ["adm-a", "both-a"])],
    "in-force": [("suspend", ["adm-a"]), ("suspend", ["adm-a"]), ("approve", ["op-c"]), ("revoke", ["adm-a"])],
    "suspended": [("resume", ["adm-a"]), ("resume", ["adm-a"]), ("resume", ["op-a"])],
    "denied": [("delete", ["adm-a"])],
    "revoked": [("delete", ["adm-a"])],
}
