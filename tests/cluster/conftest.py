"""Fixtures of the tests of several gateways and servers."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support.balanced_bus import BalancedBus


@pytest_asyncio.fixture(scope="module")
async def balanced(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BalancedBus]:
    """Two gateways behind HAProxy, an adapter, and one NATS server."""
    bus = await BalancedBus(tmp_path_factory.mktemp("balanced"), servers=1).start()
    await bus.serve()
    yield bus
    await bus.stop()
