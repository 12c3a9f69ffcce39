"""No request makes the gateway answer 500, whatever it holds and whoever sends it."""

import asyncio
import itertools
import json
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.fuzzing import Case, Fuzzer
from support.issuer import PeoplesIssuer
from support.raw_http import Answer, Request, send
from support.searched import Searched
from support.workbench import CONTRACTS, TEXT, Workbench, document, grant

from lgsp_auth.roles import ROLES
from lgsp_auth.signing_keys import SigningKey

AT_ONCE = 8
SECRET = secrets.token_urlsafe()

OWN = {"agencies": "H49.99", "purposes": "fuzz", "systems": "fuzz", "services": "fuzz-v1", "grants": "fuzz"}
PERSON = "p-" + "z" * 26
SINGLE = {"instances": "this", "persons": PERSON}
"""Names of the kinds of which the fuzz makes no documents of its own."""
"""Documents to take steps with."""

ANYWHERE = ("400", "404", "405", "408", "413", "431")
"""What HTTP itself may answer, before a route is found."""

NOT_PAST = {400, 401, 403, 405, 406, 411, 413, 414, 415, 428, 429, 431}
"""Statuses of what did not get past authentication, rights or schema. A 422 has, unless it says where a document breaks its schema,
and a 404 unless there is no such path."""


class Target:
    """A bus with all that its API shows: an index, an adapter, citizens."""

    def __init__(self, searched: Searched, issuer: PeoplesIssuer) -> None:
        self.bus: Workbench = searched.bus
        self.indexer = searched.indexer.log
        self._issuer = issuer
        self._people = itertools.count()
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.by_role: Counter[tuple[str, int]] = Counter()
        self.past = 0
        self.sent = 0
        self.faults: list[str] = []
        self.undeclared: list[str] = []

    def authorization(self, role: str) -> str:
        if role == "nobody":
            return ""
        if role == "stranger":
            return f"Bearer {secrets.token_urlsafe(30)}"
        if role == "citizen":
            return f"Bearer {self._issuer.token(f'0220930{next(self._people) % 100000:05d}')}"
        return f"Bearer {self.bus.token(role)}"

    async def ask(self, case: Case, role: str) -> Answer:
        """Send a request in a role, and count what comes."""
        shown = self.authorization(role)
        headers = (*case.request.headers, *((("Authorization", shown.encode()),) if shown else ()))
        request = Request(case.request.method, case.request.target, headers, case.request.body)
        answer = await send(self.bus.port, request)
        self.sent += 1
        self.statuses[case.operation, answer.status] += 1
        self.by_role[role, answer.status] += 1
        self.past += _is_past(answer)
        if answer.status in (0, 500):
            self.faults.append(f"{answer.status} {case.kind} {role} {request.written()[:600]!r} {answer.body[:300]!r}")
        return answer

    def told(self) -> str:
        """Statuses by route and by role."""
        lines = [f"{self.sent} requests, {self.past / self.sent:.0%} past authentication, rights and schema"]
        for counted in (self.statuses, self.by_role):
            for name in sorted({name for name, _ in counted}):
                found = {status: number for (one, status), number in sorted(counted.items()) if one == name}
                lines.append(f"{name:28} " + "  ".join(f"{status}: {number}" for status, number in found.items()))
        return "\n".join(lines)


def _is_past(answer: Answer) -> bool:
    if not answer.status or answer.status in NOT_PAST:
        return False
    if answer.status == 422:
        return b'"errors"' not in answer.body
    return not (answer.status == 404 and b'"code":"not-found"' in answer.body and b"There is no path" in answer.body)


@pytest_asyncio.fixture
async def target(tmp_path: Path) -> AsyncIterator[Target]:
    issuer = await PeoplesIssuer().start()
    address = str(tmp_path / "index.db")
    bus = await Workbench(tmp_path).start("--index", address, "--issuers", str(issuer.entry(tmp_path)))
    searched = await Searched(bus, tmp_path, address).start()
    await searched.indexed((await bus.call()).message)
    yield Target(searched, issuer)
    await searched.stop()
    await issuer.stop()


def _documents(numbers: "itertools.count[int]") -> dict[str, Callable[[], dict[str, Any]]]:
    """Documents that the registry takes, each of a name of its own."""

    def agency() -> dict[str, Any]:
        return document("Agency", f"H{next(numbers) % 90 + 10}.{next(numbers) % 900 + 1}", title=TEXT)

    def person() -> dict[str, Any]:
        number, name = next(numbers), ""
        for _ in range(26):
            number, digit = divmod(number, 32)
            name += "abcdefghijklmnopqrstuvwxyz234567"[digit]
        return document("Person", f"p-{name}", issuer="https://people.example", agency="H49.1", roles=["auditor"])

    def system() -> dict[str, Any]:
        key = SigningKey.generate().public_jwk()
        return document("System", f"fuzz-{next(numbers)}", agency="H49.1", title=TEXT, jwks=[key])

    def service() -> dict[str, Any]:
        name = f"fuzz-{next(numbers)}"
        contract = json.loads(json.dumps({**CONTRACTS[0], "service": name}))
        return document("Service", f"{name}-v1", phase="draft", contract=contract)

    def given() -> dict[str, Any]:
        return grant(f"fuzz-{next(numbers)}", "gamma", read=["*"])

    def step() -> dict[str, Any]:
        return {"reason": "thu", "since": "", "until": ""}

    def form() -> dict[str, Any]:
        return {"grant_type": "client_credentials", "client_id": "fuzz", "client_secret": SECRET}

    def instance() -> dict[str, Any]:
        return document("Instance", "this", identifier="VN", memberClass="GOV")

    makers = {
        "Instance": instance,
        "Purpose": lambda: document("Purpose", f"fuzz-{next(numbers)}", title=TEXT),
        "Agency": agency,
        "Person": person,
        "System": system,
        "Service": service,
        "Grant": given,
    }
    found = {f"{verb}{kind}": maker for kind, maker in makers.items() for verb in ("create", "replace")}
    found |= dict.fromkeys(("actOnGrant", "suspendService", "resumeService"), step)
    found |= {"actOnPerson": lambda: {"reason": "thu"}, "linkPerson": lambda: {"account": "AAAA-BBBB-CCCC-DDDD"}}
    return {**found, "issueToken": form, "keepSeal": lambda: {"checkpoint": "lgsp/bench\n1\nAAAA\n"}}


async def _fuzzer(target: Target, number: int) -> Fuzzer:
    bus = target.bus
    async with bus.session.get("/openapi.json") as answer:
        described = await answer.json()
    names = {
        "agency": ["H49.1", "H49.2"],
        "consumer": ["alpha", "beta"],
        "provider": ["provider"],
        "service": ["desk"],
        "operation": ["read", "register"],
        "purpose": ["thu-nghiem"],
        "grant": ["alpha-desk"],
        "outcome": ["answered", "not-granted"],
        "gateway": ["bench"],
        "major": ["1"],
        "message": [(await bus.call()).message],
        "since": ["2026-11", "2020-01-01T00:00:00%2B07:00".replace("%2B", "+")],
        "until": ["2036-11", "2036-01-01"],
        "subject": ["0" * 32],
        "cursor": [""],
        "from": ["1"],
        "to": ["1"],
        "If-Match": ['"1"', '"2"'],
        "Last-Event-ID": ["0"],
        "agencies": ["H49.1", "H49.2"],
        "purposes": ["thu-nghiem"],
        "principals": ["alpha"],
        "systems": ["alpha", "gamma", "operator"],
        "services": ["desk-v1", "hidden-v1"],
        "grants": ["alpha-desk", "beta-desk"],
        **{plural: [name] for plural, name in SINGLE.items()},
        **{f"own {plural}": [name] for plural, name in (OWN | SINGLE).items()},
    }
    for plural, name in OWN.items():
        made = {"agencies": document("Agency", name, title=TEXT), "purposes": document("Purpose", name, title=TEXT)}
        made |= {"grants": grant(name, "gamma", read=["*"])}
        made["systems"] = document(
            "System", name, agency="H49.1", title=TEXT, secretSha256=sha256(SECRET.encode()).hexdigest()
        )
        made["services"] = document("Service", name, contract={**CONTRACTS[0], "service": "fuzz", "provider": "fuzz"})
        got = await bus.registry("POST", plural, made[plural])
        assert got.status == 201, got.body
    spared = {*itertools.chain(*(names[plural] for plural in OWN)), *OWN.values()}
    return Fuzzer(described, names, spared, _documents(itertools.count(secrets.randbelow(10**6))), number)


def _roles(one: dict[str, Any], chance: random.Random) -> str:
    """Mostly one that may; else any."""
    if chance.random() < 0.15:
        return chance.choice((*ROLES, "alpha", "citizen", "nobody", "stranger"))
    if {"person": []} in one["security"]:
        return "citizen"
    if not one["security"]:
        return "nobody"
    return chance.choice(one.get("x-roles", ["operator", "operator", "operator", "agency-admin"]))


async def _all(target: Target, fuzzer: Fuzzer, made: list[Callable[[], Case]], chance: random.Random) -> None:
    """Send them, a few at a time, in any order."""
    chance.shuffle(made)
    waiting = iter(made)

    async def some() -> None:
        for make in waiting:
            case = make()
            _, _, one = fuzzer.operations[case.operation]
            answer = await target.ask(case, _roles(one, chance))
            fuzzer.learn(answer)
            if str(answer.status) not in {*one["responses"], *ANYWHERE}:
                target.undeclared.append(
                    f"{case.operation} {case.request.target[:80]!r} {answer.status} {answer.body[:200]!r}"
                )

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


FAULT_EVENTS = (
    "internal error",
    "background callback failed",
    "background task failed",
    "nats callback failed",
    "check raised",
)
"""What the log says of an error of the bus itself."""


async def _stands(target: Target) -> None:
    """The gateway found no fault, serves calls as before, and knows its callers."""
    print(target.told())
    assert not target.faults, "\n".join(target.faults[:20])
    assert not target.undeclared, "\n".join(target.undeclared[:20])
    for log in (target.bus.gateway.log, target.indexer):
        lines = log.read_text().splitlines()
        assert not [line for line in lines for event in FAULT_EVENTS if f'"event":"{event}' in line]
    assert (await target.bus.call()).status == 200
    async with target.bus.session.get("/catalog") as answer:  # which shows every service, with what is announced of it
        assert answer.status == 200
    assert target.past >= 0.4 * target.sent


async def test_no_request_makes_a_fault(target: Target) -> None:
    number = secrets.randbelow(2**32)
    print(f"seed {number}")
    chance, fuzzer = random.Random(number), await _fuzzer(target, number)
    names = sorted(fuzzer.operations)
    cases = [partial(fuzzer.right, chance.choice(names)) for _ in range(450)]
    cases += [partial(fuzzer.hostile, chance.choice(names)) for _ in range(200)]
    cases += [lambda case=case: case for case in fuzzer.generated(5, negative=False, only=chance.sample(names, 8))]
    await _all(target, fuzzer, cases, chance)
    await _stands(target)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_none_of_twenty_thousand_requests_makes_a_fault(target: Target) -> None:
    number = secrets.randbelow(2**32)
    print(f"seed {number}")
    chance, fuzzer = random.Random(number), await _fuzzer(target, number)
    names = sorted(fuzzer.operations)
    generated = await asyncio.to_thread(fuzzer.generated, 20, negative=False)
    generated += await asyncio.to_thread(fuzzer.generated, 8, negative=True)
    cases = [lambda case=case: case for case in generated]
    cases += [partial(fuzzer.hostile, chance.choice(names)) for _ in range(5_000)]
    cases += [partial(fuzzer.right, chance.choice(names)) for _ in range(20_000 - len(cases))]
    await _all(target, fuzzer, cases, chance)
    assert target.sent >= 20_000
    await _stands(target)
