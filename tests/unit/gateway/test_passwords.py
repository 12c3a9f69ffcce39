"""How passwords of local users are compared."""

import argon2
import pytest

from lgsp_gateway.sessions.local_users import passwords
from lgsp_gateway.sessions.local_users.passwords import Passwords


async def test_a_password_is_the_one_that_was_hashed_or_not() -> None:
    kept = Passwords(b"k" * 32)
    hashed = await kept.hash("con mèo nhà tôi")
    assert await kept.matches(hashed, "con mèo nhà tôi")
    assert not await kept.matches(hashed, "con mèo nhà tôị")
    assert not await Passwords(b"l" * 32).matches(hashed, "con mèo nhà tôi")


async def test_who_is_not_there_costs_what_everybody_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    class Watched(argon2.PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 - the name is argon2's
            compared.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_HASHER", Watched(time_cost=2, memory_cost=46 * 1024, parallelism=1))
    kept = Passwords(b"k" * 32)
    hashed = await kept.hash("con mèo nhà tôi")
    for known in (hashed, ""):
        assert not await kept.matches(known, "a guess")
    theirs, nobodys = (argon2.extract_parameters(one) for one in compared)
    assert theirs == nobodys
