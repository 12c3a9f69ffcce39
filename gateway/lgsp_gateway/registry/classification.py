"""A classification falls by an operator only: not by an edit, not in another version, not after a deletion, not under
another name.

What is known of a service is all that its versions ever said, deleted ones too. Where one of them ranked an operation lower
than the one before, an operator did that, and what was known before counts no more.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from lgsp_gateway.registry.lifecycle.contracts import operator_needed
from lgsp_problems import Refusal

_RANKS = {"open": 0, "internal": 1, "personal": 2}

ContractDocument = Mapping[str, Any]


class _Operation(NamedTuple):
    rank: int
    answer: bytes


def check(
    name: str,
    before: ContractDocument | None,
    known: Iterable["KnownOperations"],
    after: ContractDocument,
) -> None:
    """Return where a contract classifies anything lower than it was classified before.

    Args:
        before: the contract that it takes the place of, None where there is none.
        known: of each major version of the service what its contracts said.
        after: the new contract, which keeps its schema.

    Raises:
        Refusal: `not-granted`.
    """
    own = _operations(before) if before else {}
    new = _operations(after)
    remembered = [one.operations for one in known]
    if before and _RANKS[after["classification"]] < _RANKS[before["classification"]]:
        raise _lowered(name)
    for operation, classified in new.items():
        if operation not in own:
            least = max((_rank(operations, operation, new) for operations in remembered), default=0)
        elif classified.answer != own[operation].answer:
            least = max(own[operation].rank, _rank_of_answer(remembered, classified.answer))
        else:
            least = own[operation].rank
        if classified.rank < least:
            raise _lowered(name, operation)


def rises(before: ContractDocument, after: ContractDocument) -> set[str]:
    """Return the operations that were not personal, and are, from one version of a contract to the next."""
    old, new = _operations(before), _operations(after)
    personal = _RANKS["personal"]
    return {name for name in old.keys() & new.keys() if old[name].rank < personal == new[name].rank}


class KnownOperations:
    """What is known of the operations of one major version of a service: all that its contracts ever said."""

    def __init__(self) -> None:
        self.operations: dict[str, _Operation] = {}

    def add(self, contract: ContractDocument) -> None:
        """Take in a contract, the oldest first."""
        operations, known = _operations(contract), self.operations
        fell = any(name in known and classified.rank < known[name].rank for name, classified in operations.items())
        self.operations = operations if fell else known | operations


def _rank(known: Mapping[str, _Operation], name: str, new: Mapping[str, _Operation]) -> int:
    """How an operation was ranked: under its name; else the highest of those that it may be under another name, which are
    gone or answer the same."""
    if name in known:
        return known[name].rank
    alike = (
        classified.rank for at, classified in known.items() if at not in new or classified.answer == new[name].answer
    )
    return max(alike, default=0)


def _rank_of_answer(remembered: Iterable[Mapping[str, _Operation]], answer: bytes) -> int:
    """How what an operation answers was ranked, under whichever name."""
    alike = (classified.rank for known in remembered for classified in known.values() if classified.answer == answer)
    return max(alike, default=0)


def _operations(contract: ContractDocument) -> dict[str, _Operation]:
    return {
        name: _Operation(
            _RANKS[content.get("classification", contract["classification"])],
            orjson.dumps(content["response"], option=orjson.OPT_SORT_KEYS),
        )
        for name, content in contract["operations"].items()
    }


def _lowered(name: str, operation: str = "") -> Refusal:
    where = f" ({operation})" if operation else ""
    return operator_needed(name, f"hạ mức phân loại{where}", f"lower a classification{where}; ask one")
