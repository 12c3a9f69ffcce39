"""`/evidence/instance` signs for everybody: an address that asks without end gets refusals instead of signatures."""

import asyncio
from collections import Counter

from support.workbench import Workbench

QUESTIONS = 100


async def test_an_address_gets_few_signatures_at_once(bus: Workbench) -> None:
    async def ask(number: int) -> int:
        async with bus.session.get("/evidence/instance", params={"nonce": f"{number:032x}"}) as answer:
            if answer.status == 429:
                assert (await answer.json())["code"] == "too-many-attempts"
                assert int(answer.headers["Retry-After"]) > 0
            else:
                assert f"\n{number:032x}\n" in await answer.text()
            return answer.status

    statuses = Counter(await asyncio.gather(*(ask(number) for number in range(QUESTIONS))))
    assert statuses.keys() <= {200, 429}
    assert statuses[429] > QUESTIONS / 2
