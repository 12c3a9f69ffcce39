"""A classification falls by an operator only: not by an edit, not in another version, not after a deletion, not under
another name.

What is known of a service is all that its versions ever said, deleted ones too. Where one of them ranked an operation or event lower
than the one before, an operator did that, and what was known before counts no more.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from lgsp_gateway.registry.documents import Exchange
from lgsp_gateway.registry.lifecycle.contracts import operator_needed
from lgsp_problems import Refusal

_RANKS = {"open": 0, "internal": 1, "personal": 2}

ContractDocument = Mapping[str, Any]


class _Classified(NamedTuple):
    rank: int
    document: bytes
    """The schema of what is handed out: the answer of an operation, the data of an event."""


def check(
    name: str,
    before: ContractDocument | None,
    known: Iterable["KnownExchanges"],
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
    own = _exchanges(before) if before else {}
    new = _exchanges(after)
    remembered = [one.exchanges for one in known]
    if before and _RANKS[after["classification"]] < _RANKS[before["classification"]]:
        raise _lowered(name)
    for exchange, classified in new.items():
        if exchange not in own:
            least = max((_rank(exchanges, exchange, new) for exchanges in remembered), default=0)
        elif classified.document != own[exchange].document:
            least = max(own[exchange].rank, _rank_of_document(remembered, classified.document))
        else:
            least = own[exchange].rank
        if classified.rank < least:
            raise _lowered(name, exchange[1])


def rises(before: ContractDocument, after: ContractDocument) -> set[Exchange]:
    """Return the operations and events that were not personal, and are, from one version of a contract to the next."""
    old, new = _exchanges(before), _exchanges(after)
    personal = _RANKS["personal"]
    return {one for one in old.keys() & new.keys() if old[one].rank < personal == new[one].rank}


class KnownExchanges:
    """What is known of the operations and events of one major version of a service: all that its contracts ever said."""

    def __init__(self) -> None:
        self.exchanges: dict[Exchange, _Classified] = {}

    def add(self, contract: ContractDocument) -> None:
        """Take in a contract, the oldest first."""
        exchanges, known = _exchanges(contract), self.exchanges
        fell = any(one in known and classified.rank < known[one].rank for one, classified in exchanges.items())
        self.exchanges = exchanges if fell else known | exchanges


def _rank(known: Mapping[Exchange, _Classified], exchange: Exchange, new: Mapping[Exchange, _Classified]) -> int:
    """How an operation or event was ranked: under its name; else the highest of those that it may be under another name, which
    are gone or hand out the same."""
    if exchange in known:
        return known[exchange].rank
    alike = (
        classified.rank
        for at, classified in known.items()
        if at not in new or classified.document == new[exchange].document
    )
    return max(alike, default=0)


def _rank_of_document(remembered: Iterable[Mapping[Exchange, _Classified]], document: bytes) -> int:
    """How what is handed out was ranked, under whichever name."""
    alike = (
        classified.rank for known in remembered for classified in known.values() if classified.document == document
    )
    return max(alike, default=0)


def _exchanges(contract: ContractDocument) -> dict[Exchange, _Classified]:
    answers: dict[Exchange, _Classified] = {
        ("operations", name): _classified(contract, content, "response")
        for name, content in contract.get("operations", {}).items()
    }
    events: dict[Exchange, _Classified] = {
        ("events", name): _classified(contract, content, "data") for name, content in contract.get("events", {}).items()
    }
    return answers | events


def _classified(contract: ContractDocument, content: Mapping[str, Any], schema: str) -> _Classified:
    rank = _RANKS[content.get("classification", contract["classification"])]
    return _Classified(rank, orjson.dumps(content[schema], option=orjson.OPT_SORT_KEYS))


def _lowered(name: str, exchange: str = "") -> Refusal:
    where = f" ({exchange})" if exchange else ""
    return operator_needed(name, f"hạ mức phân loại{where}", f"lower a classification{where}; ask one")
