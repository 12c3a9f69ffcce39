"""Who approved a grant, and whether that is enough for personal data: two pairs of eyes, one for the provider and an operator's.

One pair of eyes is a person, through whichever systems and with each system of whose keys they registered one; or a system of
whose keys no person registered any. An approval is one of what the grant said then. It holds for less, and for nothing more:
where a grant is widened beyond what somebody approved, they are asked again.
"""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from lgsp_contracts.file_references import FileLimits
from lgsp_gateway.registry.documents import is_same_json

Approver = Literal["provider", "operator"]
DocumentSpec = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Approvals:
    """Who has approved, by the name of a principal.

    Args:
        given: as what each approved.
        more: what it approved, where that is more than the grant says now.
        persons: who else answers for it: the persons who registered keys of a system that approved.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, DocumentSpec] = field(default_factory=dict)
    persons: Mapping[str, AbstractSet[str]] = field(default_factory=dict)

    @classmethod
    def from_status(cls, status: Mapping[str, Any]) -> "Approvals":
        """Read those in a grant's status. What an empty bus was filled with is approved by whoever installed it."""
        if "phase" not in status:
            return _INSTALLED
        persons = {
            name: frozenset([named] if isinstance(named, str) else named)  # one person, until November 2026
            for name, named in status.get("approvedOnBehalfOf", {}).items()
        }
        return cls(status.get("approvedAs", {}), status.get("approvedMore", {}), persons)

    def status(self) -> dict[str, Any]:
        """Return them as they stand in a grant's status."""
        given = {"approvedBy": list(self.given), "approvedAs": dict(self.given)}
        more = {"approvedMore": dict(self.more)} if self.more else {}
        persons = {name: sorted(named) for name, named in self.persons.items()}
        return given | more | ({"approvedOnBehalfOf": persons} if persons else {})

    def suffice(self) -> bool:
        """Are they enough for personal data?"""
        given = set(self.given.values())
        return "installer" in given or {"provider", "operator"} <= given

    def missing(self) -> Approver:
        """Whose approval is to come next."""
        return "operator" if "provider" in self.given.values() else "provider"

    def given_by(self, accountable: AbstractSet[str]) -> set[str]:
        """Return the names under which somebody has approved.

        Args:
            accountable: all who may be behind them (`Principal.accountable`).
        """
        return {name for name in self.given if not accountable.isdisjoint({name, *self.persons.get(name, ())})}

    def with_approval(self, name: str, accountable: AbstractSet[str], approver: str) -> "Approvals":
        """Return them with that of one more, of what the grant says now; it takes the place of those by the same eyes."""
        remaining = self._only(self.given.keys() - self.given_by(accountable))
        others = accountable - {name}
        persons = {**remaining.persons, **({name: others} if others else {})}
        return Approvals({**remaining.given, name: approver}, remaining.more, persons)

    def _only(self, names: AbstractSet[str]) -> "Approvals":
        return Approvals(_only(self.given, names), _only(self.more, names), _only(self.persons, names))

    def carried_over(self, before: DocumentSpec, after: DocumentSpec) -> "Approvals":
        """Return those that hold for what a grant becomes."""
        of = {name: self.more.get(name, before) for name in self.given}
        remaining = {name: approved for name, approved in of.items() if covers(approved, after)}
        more = {name: approved for name, approved in remaining.items() if not is_same_json(approved, after)}
        return replace(self._only(remaining.keys()), more=more)


T = TypeVar("T")


def _only(by_name: Mapping[str, T], names: AbstractSet[str]) -> dict[str, T]:
    return {name: value for name, value in by_name.items() if name in names}


_INSTALLED = Approvals({"bootstrap": "installer"})


def covers(before: DocumentSpec, after: DocumentSpec) -> bool:
    """Tell whether an approval of a grant holds for what it becomes, which allows nothing more.

    Args:
        before, after: specs that keep the schema.
    """
    return (
        before["legalBasis"] == after["legalBasis"]
        and set(after["purposes"]) <= set(before["purposes"])
        and before["validFrom"] <= after["validFrom"]
        and after["validUntil"] <= before["validUntil"]
        and all(_shows_no_more(before.get(part, {}), after.get(part, {})) for part in ("operations", "events"))
        and _allows_no_more_calls(before["quota"], after["quota"])
        and _allows_no_more_files(before.get("files", {}), after.get("files", {}))
        and (after.get("senderConstrained", False) or not before.get("senderConstrained", False))
        and before.get("onBehalfOf", "") in ("", after.get("onBehalfOf", ""))
        and (after.get("referenceRequired", False) or not before.get("referenceRequired", False))
        and _includes_no_more_officers(before.get("officers"), after.get("officers"))
    )


def _shows_no_more(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Were these fields of the answers of operations, or of the data of events, shown before?"""
    return all(_covers_fields(before.get(name, {}).get("fields", ()), after[name]["fields"]) for name in after)


def _covers_fields(before: Collection[str], after: Collection[str]) -> bool:
    return "*" in before or all(
        any(field == known or field.startswith(f"{known}/") for known in before) for field in after
    )


def _allows_no_more_calls(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Does a quota allow no more than another, in its window and in a day?"""
    if before["per"] != after["per"] or after["requests"] > before["requests"]:
        return False
    return "daily" not in before or after.get("daily", float("inf")) <= before["daily"]


def _includes_no_more_officers(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    """Is a grant for no other officers than before, each of whom may call no more often?"""
    if before is None or after is None:
        return before is after
    if "quota" in before and not ("quota" in after and _allows_no_more_calls(before["quota"], after["quota"])):
        return False
    named = ("positions", "persons")
    if not any(before.get(part) for part in named):
        return True
    included = all(set(after.get(part, ())) <= set(before.get(part, ())) for part in named)
    return included and any(after.get(part) for part in named)


def _allows_no_more_files(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Do limits of files allow no more than others?"""
    return FileLimits.from_document(before).covers(FileLimits.from_document(after))
