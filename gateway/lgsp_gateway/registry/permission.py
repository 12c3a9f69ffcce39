"""May this caller make this change, and what does the registry say of the document then?

Each question has its module: roles (`lgsp_auth.roles`), names (`ownership`), what roles are made of (`role_protection`),
classifications, the life of contracts and of grants. Here stands which are asked of which change.
"""

import datetime
import time
from collections.abc import Mapping
from typing import Any

from lgsp_auth import roles
from lgsp_auth.principal import Principal, person_name
from lgsp_contracts.names import DocumentName
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.registry import classification, key_registrars, ownership, references, role_protection
from lgsp_gateway.registry.contract_check_runner import ContractChecks
from lgsp_gateway.registry.documents import DocumentSpec, DocumentVersion
from lgsp_gateway.registry.left_to_persons import check_transfer, ranks_left_to_persons
from lgsp_gateway.registry.lifecycle import contracts, grants, tokens
from lgsp_gateway.registry.lifecycle import persons as life_of_persons
from lgsp_gateway.registry.name_history import NameHistory
from lgsp_gateway.registry.person_permission import PersonPermission
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal
from lgsp_runtime.pacing import Pace

PARSED_AT_A_TURN = 64 * 1024
"""Bytes of a history that are parsed before others have a turn."""


class Permission:
    """Decides on changes of documents that keep their schema."""

    def __init__(
        self,
        registry: RegistrySnapshot,
        names: NameHistory,
        checks: ContractChecks = ContractChecks(),  # noqa: B008
    ) -> None:
        self.registry = registry
        self.contracts = checks
        self.names = names
        self.persons = PersonPermission(registry)

    def may_change(
        self, caller: Principal, kind: str, name: str, spec: DocumentSpec, known: DocumentVersion | None
    ) -> None:
        """May the caller change what is there and what it becomes, as far as its roles go?

        Raises:
            Refusal: `not-granted`.
        """
        before = known.spec if known else None
        if kind == "Grant" and self._asks_only(caller, name, spec, before):
            return
        for state in (before, spec):
            if state is not None:
                owners = ownership.owners_of(kind, name, state, self.registry)
                if not roles.allowed(caller.roles, caller.agency, kind, "change", owners):
                    raise not_allowed(caller, kind)

    async def put(
        self,
        caller: Principal,
        kind: str,
        name: DocumentName,
        spec: DocumentSpec,
        known: DocumentVersion | None,
        *,
        end_tokens: bool = False,
    ) -> DocumentSpec:
        """Return the status of a document that a caller writes.

        Args:
            end_tokens: of a system: its tokens are to count no more.

        Raises:
            Refusal: `not-granted`, `step-not-allowed`, `contract-ambiguous`, `contract-incompatible` or `in-use`.
        """
        if kind == "System":
            await self.check_system(caller, name, spec, known)
            if end_tokens and known:
                self.check_end_tokens(caller, name, known)
            status = await self._tokens(name, spec, known, end_tokens=end_tokens)
            last = known or await self.names.last("System", name)
            return key_registrars.with_registrars(status, last.spec if last else None, spec, caller)
        if kind == "Person":
            return self.persons.put(caller, name, spec, known)
        if kind == "Service":
            await self.check_service(caller, name, spec, known)
        elif kind == "Grant":
            return self.put_grant(caller, name, spec, known)
        return known.status if known else {}

    async def _tokens(
        self, name: DocumentName, spec: DocumentSpec, known: DocumentVersion | None, *, end_tokens: bool
    ) -> DocumentSpec:
        """Which tokens of a system count: none that was taken as a system of another agency, or with the keys of a deleted
        one."""
        last = known or await self.names.last("System", name)
        if last is None:
            return {}
        before = last.spec or {}
        returns = known is None and tokens.has_keys(before)
        if end_tokens or returns or before["agency"] != spec["agency"]:
            return tokens.ended(last.status, time.time())
        now = time.time()
        if tokens.replaced(before, spec, now):
            return tokens.outlived(last.status, now)
        return last.status

    def delete(self, caller: Principal, kind: str, name: DocumentName, known: DocumentVersion) -> None:
        """May the caller delete a document that it may change?

        Raises:
            Refusal: `not-granted` or `step-not-allowed`.
        """
        spec = known.spec or {}
        if kind == "System":
            self.check_powers(caller, spec, None)
        if kind == "Person":
            life_of_persons.check_delete(name, known.status, caller)
        if kind == "Grant":
            grants.check_delete(known.status, self._actor(caller, name, spec))
        if kind == "Service":
            contracts.check_delete(name, spec, _may_be(caller))

    def act(
        self, caller: Principal, name: str, known: DocumentVersion, action: grants.Action, reason: str, until: str
    ) -> DocumentSpec:
        """Return the status of a grant after a step.

        Raises:
            Refusal: `step-not-allowed`, `not-granted` or `malformed`.
        """
        spec = known.spec or {}
        personal = references.shows_personal_data(spec, self.registry)
        actor = self._actor(caller, name, spec)
        return grants.act(action, known.status, actor, personal=personal, reason=reason, until=until)

    async def check_system(
        self, caller: Principal, name: DocumentName, spec: DocumentSpec, known: DocumentVersion | None
    ) -> None:
        """Check a system's roles and what they are made of, its name, and what moves with it to another agency."""
        before = known.spec if known else None
        self.check_powers(caller, before, spec)
        known = known or await self.names.last("System", name)
        last = known.spec if known else None
        if last is None or last["agency"] == spec["agency"]:
            return
        for service in self.registry.index["Service"].names("provider", name):
            self._refuse_other_provider(service)
        if not _operator(caller):
            ownership.refuse_foreign("System", name, {last["agency"]}, spec["agency"])
        grant = references.open_grant_of(name, self.registry)
        if grant:
            raise Refusal(
                "in-use",
                vi=f"Quyền {grant} được cấp cho hệ thống {name} của cơ quan {last['agency']}; hãy thu hồi (revoke) quyền đó trước khi chuyển hệ thống sang cơ quan khác.",
                en=f"Grant {grant} is for system {name} of agency {last['agency']}; revoke it before the system moves to another agency.",
            )
        for service in self.registry.index["Service"].names("provider", name):
            check_transfer(service, frozenset({last["agency"]}), frozenset({spec["agency"]}), self.registry)

    def check_powers(self, caller: Principal, before: DocumentSpec | None, after: DocumentSpec | None) -> None:
        """Check that only an operator changes what a role is made of."""
        if not _operator(caller):
            role_protection.check(before, after)

    def check_end_tokens(self, caller: Principal, name: DocumentName, known: DocumentVersion) -> None:
        """Check who ends the tokens of a system: they carry its roles."""
        if not _operator(caller) and caller.name != name:
            role_protection.check_end(known.spec or {})

    async def check_service(
        self, caller: Principal, name: DocumentName, spec: DocumentSpec, known: DocumentVersion | None
    ) -> None:
        """Check a service's name, its classifications, its life, and the grants on it."""
        before = known.spec if known else None
        if before is not None:
            old, new = (ownership.owners_of("Service", name, state, self.registry) for state in (before, spec))
            check_transfer(name, old, new, self.registry)
        if not _operator(caller):
            majors = await self.names.majors(spec["contract"]["service"])
            if before is None:
                await self.check_name(caller, spec["contract"]["service"], majors)
            await self.check_classification(name, before, majors, spec)
        contracts.check(name, before, spec, _may_be(caller), datetime.datetime.now(VIETNAM).date())
        if before is not None and self._owners(name, before) != self._owners(name, spec):
            self._refuse_other_provider(name)
        if before is not None and contracts.is_replaced(before, spec):
            await self.contracts.check_replacement(caller.name, name, before["contract"], spec["contract"])
        if before is not None and contracts.phase_of(before) in contracts.IN_FORCE:
            self.check_grants(before["contract"], spec["contract"])
        if contracts.is_put_in_force(before, spec):
            where = SourceLocation(f"Service {name}", ("spec", "contract"))
            await self.contracts.check_agreement(caller.name, spec["contract"], where)

    def _owners(self, name: DocumentName, spec: DocumentSpec) -> frozenset[str]:
        return ownership.owners_of("Service", name, spec, self.registry)

    def _refuse_other_provider(self, service: DocumentName) -> None:
        """A service with approved grants stays with its agency, for which they were approved: who lends it for an hour could have
        personal data approved by the administrator of any other."""
        grant = references.approved_grant_on(service, self.registry)
        if grant:
            raise Refusal(
                "in-use",
                vi=f"Quyền {grant} được phê duyệt thay mặt cơ quan cung cấp dịch vụ {service}; hãy thu hồi (revoke) hoặc xóa quyền đó trước khi chuyển dịch vụ sang cơ quan khác.",
                en=f"Grant {grant} was approved for the agency that provides {service}; revoke or delete it before the service moves to another agency.",
            )

    async def check_name(
        self, caller: Principal, service: str, majors: Mapping[DocumentName, list[DocumentVersion]]
    ) -> None:
        """Check that a service's name stays with the agency that had it first."""
        ownership.refuse_foreign("Service", service, await self.names.owners(majors), caller.agency)

    async def check_classification(
        self,
        name: str,
        before: DocumentSpec | None,
        majors: Mapping[DocumentName, list[DocumentVersion]],
        spec: DocumentSpec,
    ) -> None:
        """Check that a classification does not fall."""
        known, pace = [], Pace(PARSED_AT_A_TURN)
        for versions in majors.values():
            exchanges = classification.KnownExchanges()
            for version in reversed(versions):
                await pace.spend(len(version.data))
                if earlier := version.spec:
                    exchanges.add(earlier["contract"])
            known.append(exchanges)
        classification.check(name, before["contract"] if before else None, known, spec["contract"])

    def check_grants(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Check that what becomes personal is not read under grants that were approved for less."""
        major = int(str(after["version"]).split(".")[0])
        risen = classification.rises(before, after)
        grant = references.approved_for_less(after["service"], major, risen, self.registry) if risen else ""
        if grant:
            raise Refusal(
                "in-use",
                vi=f"Quyền {grant} chưa được phê duyệt cho dữ liệu cá nhân; hãy phê duyệt lần hai (lgsp grant approve {grant}) hoặc tạm dừng quyền đó trước.",
                en=f"Grant {grant} is not approved for personal data; have it approved a second time (lgsp grant approve {grant}) or suspend it first.",
            )

    def put_grant(
        self, caller: Principal, name: DocumentName, spec: DocumentSpec, known: DocumentVersion | None
    ) -> DocumentSpec:
        """Return the status of a grant that a caller writes, and check its consumer, service and approvals."""
        before = known.spec if known else None
        if before is not None:
            ownership.refuse_other_grant(name, before, spec)
        actor, status = self._actor(caller, name, spec), known.status if known else None
        if "consumer" in actor.may_be and not actor.may_be & {"provider", "operator"}:
            requested = grants.request(status, actor)
            if requested is None:
                raise not_allowed(caller, "Grant")
            return requested
        return grants.put(status, before, spec, actor, personal=references.shows_personal_data(spec, self.registry))

    def _asks_only(self, caller: Principal, name: str, spec: DocumentSpec, before: DocumentSpec | None) -> bool:
        """Does the caller ask for a grant of its agency that it could not give itself?"""
        states = [spec] if before is None else [before, spec]
        return all(self._actor(caller, name, state).may_be == {"consumer"} for state in states)

    def _actor(self, caller: Principal, name: str, spec: DocumentSpec) -> grants.Actor:
        """As what a caller may act on a grant."""
        provider = ownership.owners_of("Grant", name, spec, self.registry)
        consumer = ownership.consumer_agency(spec, self.registry)
        ranks: dict[grants.Who, bool] = {
            "operator": _operator(caller),
            "provider": roles.allowed(caller.roles - {"operator"}, caller.agency, "Grant", "change", provider),
            "consumer": roles.allowed(caller.roles - {"operator"}, caller.agency, "Grant", "request", consumer),
        }
        may_be = frozenset(who for who, may in ranks.items() if may)
        left = ranks_left_to_persons(caller, provider, self.registry)
        absent = person_name(caller.stands_in_for) if caller.stands_in_for else ""
        return grants.Actor(caller.name, may_be, caller.accountable, left, absent)


def _operator(caller: Principal) -> bool:
    return "operator" in caller.roles


def _may_be(caller: Principal) -> tuple[contracts.Who, ...]:
    return ("owner", "operator") if _operator(caller) else ("owner",)


def not_allowed(caller: Principal, kind: str) -> Refusal:
    """Return the refusal of what a caller's roles do not allow."""
    held, who = ", ".join(sorted(caller.roles)) or "-", caller.described()
    return Refusal(
        "not-granted",
        vi=f"{who.vi} (vai trò: {held}) không được làm việc này với {kind}; hãy nhờ quản trị viên của cơ quan chủ quản hoặc người vận hành trục.",
        en=f"{who.en} (roles: {held}) may not do this to a {kind}; ask the administrator of the agency it belongs to, or an operator of the bus.",
    )
