"""Headers that decide who asks for what come once: of two, a proxy may have looked at one and the bus at the other."""

import pytest
from multidict import CIMultiDict
from support.workbench import NUMBER, Workbench

KEYS = ("0f1c3a52-0000-4000-8000-000000000001", "0f1c3a52-0000-4000-8000-000000000002")


def heads(bus: Workbench) -> dict[str, tuple[str, str]]:
    return {
        "Authorization": (f"Bearer {bus.token('alpha')}", f"Bearer {bus.token('beta')}"),
        "Lgsp-Purpose": ("thu-nghiem", "kiem-tra"),
        "Idempotency-Key": KEYS,
        "Lgsp-On-Behalf-Of": ("a.b.c", "d.e.f"),
        "DPoP": ("a.b.c", "d.e.f"),
    }


@pytest.mark.parametrize("name", ["Authorization", "Lgsp-Purpose", "Idempotency-Key", "Lgsp-On-Behalf-Of", "DPoP"])
@pytest.mark.parametrize("kind", ["application/json", "application/vnd.x+json"])  # the short way and the long one
async def test_a_call(bus: Workbench, name: str, kind: str) -> None:
    sent = CIMultiDict({"Authorization": f"Bearer {bus.token('alpha')}", "Content-Type": kind})
    sent.popall(name, None)
    for value in heads(bus)[name]:
        sent.add(name, value)
    async with bus.session.post("/services/desk/v1/read", json={"soDinhDanh": NUMBER}, headers=sent) as got:
        problem = await got.json(content_type=None)
    assert (got.status, problem["code"]) == (400, "malformed")
    assert name in problem["detail"]


async def test_other_paths(bus: Workbench) -> None:
    operator, stranger = (f"Bearer {bus.token(name)}" for name in ("operator", "alpha"))
    sent = CIMultiDict([("Authorization", operator), ("Authorization", stranger)])
    async with bus.session.get("/registry/systems", headers=sent) as got:
        assert (got.status, (await got.json(content_type=None))["code"]) == (400, "malformed")
    proofs = CIMultiDict([("DPoP", "a.b.c"), ("DPoP", "d.e.f")])
    async with bus.session.post("/oauth2/token", data={"grant_type": "client_credentials"}, headers=proofs) as got:
        assert (got.status, (await got.json())["error"]) == (400, "invalid_request")
