"""The connector `mock`: answers as a contract says before a system exists behind it (`lgsp_contracts.sample_answers`)."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from lgsp_adapters.adapter import Adapter, Call, Document
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.sample_answers import sample_answer
from lgsp_problems import Refusal


class MockAdapter(Adapter):
    """Plays the provider of a contract."""

    def __init__(self, manifest: Manifest, contract: Contract) -> None:
        super().__init__(manifest.connection)
        self._contract = contract

    def method(self, operation: str) -> Any:
        """Return the method that answers an operation, or None."""
        implementation = self._contract.operations.get(operation)
        return implementation and partial(_answer, implementation)


async def _answer(operation: Operation, request: Document, _call: Call) -> Document:
    answer: Document = sample_answer(operation, request)
    return answer


def build(manifest: Manifest, contract: Contract) -> MockAdapter:
    """Make the adapter that a manifest describes.

    Raises:
        Refusal: `invalid-document`, with the file, the line and how to correct it.
    """
    return MockAdapter(manifest, contract)


def check(_manifest: Manifest, _contract: Contract) -> Iterator[Refusal]:
    """Yield nothing: the manifest says nothing of operations."""
    yield from ()
