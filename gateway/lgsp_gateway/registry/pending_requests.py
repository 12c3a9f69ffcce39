"""What waits for decisions: grants that were requested, and people in roles that approve. Who may take which step now, and who has already.

The steps are tried by the rules that decide on them, so that nothing here says otherwise than the step itself would.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lgsp_auth import roles
from lgsp_auth.principal import Principal
from lgsp_contracts.names import DocumentName
from lgsp_contracts.projection import Projection
from lgsp_gateway.registry import deputies, ownership, references
from lgsp_gateway.registry.approvals import Approvals
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.lifecycle import grants, persons
from lgsp_gateway.registry.permission import Permission
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal, Text
from lgsp_runtime.pacing import Pace

SEEN_AT_A_TURN = 500
"""Documents of an index that are looked at before others have a turn: half a millisecond."""

_REASON = "-"
"""Stands for the reason that some steps need."""


@dataclass(frozen=True, slots=True)
class Review:
    """A document, and what the caller may do with it now.

    Args:
        steps: that the caller may take now.
        obstacle: why the caller may not approve it; None where they may.
        acting_as: the caller, or the caller in the place of an absent approver.
        personal: of a grant: it shows personal data, so two have to approve it.
    """

    version: DocumentVersion
    steps: tuple[str, ...]
    obstacle: Text | None
    acting_as: Principal
    personal: bool = False

    @property
    def approvals(self) -> Approvals:
        """Return who has approved a grant."""
        status = self.version.status
        return Approvals.from_status(status) if grants.phase_of(status) in grants.APPROVED else Approvals()


@dataclass(frozen=True, slots=True)
class PendingPage:
    """What waits, in the order of kinds and names, and whether more follows."""

    items: list[Review]
    more: bool


class PendingRequests:
    """Finds what waits for somebody.

    Args:
        permission: decides on the steps.
    """

    def __init__(self, registry: RegistrySnapshot, permission: Permission) -> None:
        self._registry = registry
        self._permission = permission

    async def page(self, caller: Principal, after: tuple[str, str], limit: int) -> PendingPage:
        """Find what the caller may decide on now, as themselves or as somebody's deputy.

        Args:
            after: kind and name of the last item of the page before; two empty texts for the first page.
        """
        acting, pace = self.acting(caller), Pace(SEEN_AT_A_TURN)
        items: list[Review] = []
        for kind, name in self._waiting(after):
            await pace.spend()
            if name is None:
                continue
            review = self._review(kind, name, acting)
            if review is None or not review.steps:
                continue
            if len(items) == limit:
                return PendingPage(items, more=True)
            items.append(review)
        return PendingPage(items, more=False)

    def acting(self, caller: Principal) -> tuple[Principal, ...]:
        """Return as whom a caller decides: themselves, and each absent approver whose deputy they are."""
        return tuple(deputies.principals_of(caller, self._registry.persons))

    def may_approve(self, acting: tuple[Principal, ...], kind: str, name: DocumentName) -> bool:
        """Tell whether one of some principals may approve what waits.

        Args:
            acting: as `acting` returns it.
            kind: `Grant` or `Person`.
        """
        review = self._review(kind, name, acting)
        return review is not None and "approve" in review.steps

    def of_grant(self, caller: Principal, name: DocumentName) -> Review | None:
        """Return what a caller may do with a grant, waiting or not; None where they may not read it."""
        version = self._registry.versions["Grant"].get(name)
        if version is None:
            return None
        acting = self.acting(caller)
        readers = ownership.readers_of(version, self._registry)
        able = [one for one in acting if roles.allowed(one.roles, one.agency, "Grant", "read", readers)]
        return self._of_grant(version, able) if able else None

    def _waiting(self, after: tuple[str, str]) -> Iterator[tuple[str, DocumentName | None]]:
        """Yield kind and name of what waits; None in place of a name where a document was passed over."""
        if after[0] in ("", "Grant"):
            index = self._registry.index["Grant"]
            for name in index.names(after=after[1]):
                facts = index.facts.get(name)
                yield "Grant", name if facts is not None and facts.phase in grants.WAITING else None
        rest = self._registry.index["Person"].names(after=after[1] if after[0] == "Person" else "")
        for name in rest:
            person = self._registry.persons.get(name)
            yield "Person", name if person is not None and person.phase == "awaiting-operator" else None

    def _review(self, kind: str, name: DocumentName, acting: tuple[Principal, ...]) -> Review | None:
        version = self._registry.versions[kind].get(name)
        if version is None:
            return None
        if kind == "Person":
            return self._of_person(version, acting[0])
        facts = self._registry.index["Grant"].facts.get(name)
        provider = ownership.agencies_of(
            self._registry.services.provider_of(DocumentName(facts.contract)) if facts else None, self._registry
        )
        able = [one for one in acting if roles.allowed(one.roles, one.agency, "Grant", "change", provider)]
        return self._of_grant(version, able) if able else None

    def _of_grant(self, version: DocumentVersion, acting: list[Principal]) -> Review:
        """Return what the first of some principals may do who may approve the grant, or else the first of them."""
        spec = version.spec or {}
        personal = references.shows_personal_data(spec, self._registry)
        found = []
        for principal in acting:
            tried = {step: self._try_grant(principal, version, step) for step in grants.ACTIONS}
            steps = tuple(step for step, refused in tried.items() if refused is None)
            found.append(Review(version, steps, tried["approve"], principal, personal))
        return next((one for one in found if "approve" in one.steps), found[0])

    def _try_grant(self, principal: Principal, version: DocumentVersion, step: grants.Action) -> Text | None:
        """Return why a principal may not take a step; None where they may."""
        owners = ownership.owners_of("Grant", version.name, version.spec or {}, self._registry)
        if not roles.allowed(principal.roles, principal.agency, "Grant", "change", owners):
            return _NOT_YOURS
        if principal.stands_in_for and step not in DEPUTY_STEPS:
            return _NOT_YOURS
        try:
            self._permission.act(principal, version.name, version, step, _REASON, "")
        except Refusal as refusal:
            return refusal.detail
        return None

    def _of_person(self, version: DocumentVersion, caller: Principal) -> Review | None:
        if not roles.allowed(caller.roles, caller.agency, "Person", "change", frozenset()):
            return None
        tried: dict[str, Text | None] = {}
        steps: tuple[persons.Action, ...] = ("approve", "end")
        for step in steps:
            tried[step] = None
            try:
                self._permission.persons.act(caller, version.name, version, step, _REASON)
            except Refusal as refusal:
                tried[step] = refusal.detail
        allowed = tuple(step for step, refused in tried.items() if refused is None)
        return Review(version, allowed, tried["approve"], caller)


DEPUTY_STEPS = ("approve", "deny")
"""What a deputy does in an absent approver's place."""

_NOT_YOURS = Text(
    "Quyết định này thuộc về quản trị viên của cơ quan cung cấp dịch vụ hoặc người vận hành trục.",
    "This is decided by an administrator of the agency that provides the service, or an operator of the bus.",
)


def preview(spec: dict[str, Any], contract: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a grant lets its holder see, on the examples of the contract.

    Args:
        spec: of the grant.
        contract: as it is written; None where there is none in force, and nothing to show.

    Returns:
        By section (`operations`, `events`) and name: the classification, the example whole, and its visible part.
    """
    shown: dict[str, Any] = {}
    for section in ("operations", "events") if contract else ():
        for name, granted in spec.get(section, {}).items():
            declared = (contract or {}).get(section, {}).get(name)
            if declared is None:
                continue
            example = declared.get("example", {})
            whole = example.get("response" if section == "operations" else "data")
            shown.setdefault(section, {})[name] = {
                "title": declared.get("title"),
                "classification": declared.get("classification", (contract or {}).get("classification")),
                "fields": granted["fields"],
                "example": whole,
                "visible": Projection(granted["fields"]).apply(whole),
            }
    return shown
