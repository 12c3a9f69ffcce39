"""What takes long to check of a contract: that it compiles, that two validators agree about it, and that it keeps what its last version
promised.

A contract of 300 fields takes 50 ms to compile and a quarter of a second to compare. So a large one is checked in another process,
where there is one, and nobody else waits.
"""

from typing import Any, Protocol

import orjson

from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation
from lgsp_gateway.registry.lifecycle import contracts

CHECKED_AT_ONCE = 8 * 1024
"""Bytes of a contract that is checked where everybody waits: some two milliseconds, of two versions five."""


class ContractProcess(Protocol):
    """Checks contracts in another process. Its methods raise what the same check raises here, and `too-large` where it takes longer than
    anybody may wait.
    """

    async def check_contract(self, consumer: str, contract: bytes, where: SourceLocation) -> None: ...

    async def check_agreement(self, consumer: str, contract: bytes, where: SourceLocation) -> None: ...

    async def check_replacement(self, consumer: str, name: str, before: bytes, after: bytes) -> None: ...


class ContractChecks:
    """Checks contracts that somebody writes.

    Args:
        process: where large ones are checked; None checks all of them here.
    """

    def __init__(self, process: ContractProcess | None = None) -> None:
        self._process = process

    async def check(self, by: str, contract: Any, where: SourceLocation) -> None:
        """Compile a contract.

        Args:
            by: the name of who writes it; each has one turn at a time.
            contract: its document.
            where: where it stands, for a refusal.

        Raises:
            Refusal: `invalid-document`, `too-large` or `quota-exceeded`.
        """
        written = orjson.dumps(contract)
        if self._process is None or len(written) <= CHECKED_AT_ONCE:
            Contract.from_document(contract, where)
        else:
            await self._process.check_contract(by, written, where)

    async def check_agreement(self, by: str, contract: Any, where: SourceLocation) -> None:
        """Judge the documents of a contract that is to be published with two validators. Always in the process, if there is one: it takes a
        tenth of a second for a small contract.

        Raises:
            Refusal: `contract-ambiguous`, `too-large` or `quota-exceeded`.
        """
        if self._process is not None:
            await self._process.check_agreement(by, orjson.dumps(contract), where)
            return
        from lgsp_contracts.agreement import comparison  # noqa: PLC0415 - loads jsonschema, which a gateway needs nowhere else

        comparison.check(Contract.from_document(contract, where), where)

    async def check_replacement(self, by: str, name: str, before: Any, after: Any) -> None:
        """Hold the next version of a published contract against the one in force.

        Args:
            name: of the Service document.
            before, after: the documents of two contracts that compile.

        Raises:
            Refusal: `contract-incompatible`, `too-large` or `quota-exceeded`.
        """
        old, new = orjson.dumps(before), orjson.dumps(after)
        if self._process is None or len(old) + len(new) <= 2 * CHECKED_AT_ONCE:
            contracts.check_replacement(name, before, after)
        else:
            await self._process.check_replacement(by, name, old, new)
