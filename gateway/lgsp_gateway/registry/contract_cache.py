"""Contracts compiled for those who call: each when its service is first called, and each operation when it is.

Ten thousand services cost a starting gateway nothing but their bytes, and one that looks at a list compiles none.
"""

from collections import OrderedDict
from collections.abc import Callable

from lgsp_contracts.contract import Contract
from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.documents import DocumentVersion

MAX_COMPILED = 4_096
"""Contracts that stay compiled; those used longest ago go first. One of six operations takes some 50 KB."""


class ContractCache:
    """The compiled contracts of one registry.

    Args:
        read: the version of a Service document that is in force; None where there is none.
    """

    def __init__(self, read: Callable[[DocumentName], DocumentVersion | None]) -> None:
        self._read = read
        self._compiled: OrderedDict[DocumentName, Contract] = OrderedDict()
        self.compilations = 0
        """How many contracts were compiled so far."""

    def get(self, name: DocumentName) -> Contract | None:
        """Return the contract of a service in force."""
        contract = self._compiled.get(name)
        if contract is not None:
            self._compiled.move_to_end(name)
            return contract
        version = self._read(name)
        spec = version.spec if version else None
        if spec is None:
            return None
        contract = self._compiled[name] = Contract.stored(spec["contract"], name)
        self.compilations += 1
        if len(self._compiled) > MAX_COMPILED:
            self._compiled.popitem(last=False)
        return contract

    def forget(self, name: DocumentName) -> None:
        """Drop the compiled contract of a service that has changed."""
        self._compiled.pop(name, None)
