"""May this caller change this person, and what does the registry say of the person then?

The rules are those of `lifecycle.persons`; here stands what of the registry they are asked about.
"""

from lgsp_auth.principal import Principal
from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry import approver_roles
from lgsp_gateway.registry.deputies import today
from lgsp_gateway.registry.documents import DocumentSpec, DocumentVersion, is_same_json
from lgsp_gateway.registry.lifecycle import deputies as life_of_deputies
from lgsp_gateway.registry.lifecycle import persons as life
from lgsp_gateway.registry.persons import count_operators, read_person
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal


class PersonPermission:
    """Decides on changes of persons that keep their schema, by callers whose roles let them change persons."""

    def __init__(self, registry: RegistrySnapshot) -> None:
        self._registry = registry

    def put(
        self, caller: Principal, name: DocumentName, spec: DocumentSpec, known: DocumentVersion | None
    ) -> DocumentSpec:
        """Return the status of a person whose document is created or edited.

        Raises:
            Refusal: `not-granted` or `step-not-allowed`.
        """
        before, status = (known.spec, known.status) if known else (None, {})
        after = life.put(name, before, spec, status, self._editor(caller))
        if "deputy" in spec and not is_same_json(spec["deputy"], (before or {}).get("deputy")):
            after = {
                **life_of_deputies.withdrawn(after),
                **life_of_deputies.named(name, spec, self._read(spec), self._editor(caller), today()),
            }
        return self._settled(caller, name, spec, known, after)

    def link(self, caller: Principal, name: DocumentName, known: DocumentVersion, account: str) -> DocumentSpec:
        """Return the status of a person to whom an account is linked.

        Args:
            account: the commitment to it.

        Raises:
            Refusal: `not-granted` or `step-not-allowed`.
        """
        spec = known.spec or {}
        after = life.link(name, frozenset(spec["roles"]), known.status, self._editor(caller), account)
        return self._settled(caller, name, spec, known, after)

    def act(
        self, caller: Principal, name: DocumentName, known: DocumentVersion, action: life.Action, reason: str
    ) -> DocumentSpec:
        """Return the status of a person after another step.

        Raises:
            Refusal: `not-granted`, `step-not-allowed` or `malformed`.
        """
        after = life.act(name, action, known.status, self._editor(caller), reason)
        return self._settled(caller, name, known.spec or {}, known, after)

    def consent(self, caller: Principal, known: DocumentVersion) -> DocumentSpec:
        """Return the status of the caller's own document after they have consented to the deputy that it names.

        Raises:
            Refusal: `step-not-allowed`.
        """
        people = self._registry.persons
        deputy = people[caller.person].deputy
        state = deputy.state(people, today()) if deputy else ""
        return life_of_deputies.consented(known.status, caller, deputy, state)

    def withdraw_consent(self, known: DocumentVersion) -> DocumentSpec:
        """Return the status of a person's own document after they have taken back their consent to a deputy."""
        return life_of_deputies.withdrawn(known.status)

    def _read(self, spec: DocumentSpec) -> tuple[DocumentSpec, DocumentSpec] | None:
        """Read spec and status of the deputy that a document names."""
        version = self._registry.versions["Person"].get(DocumentName(str(spec["deputy"]["person"])))
        return (version.spec or {}, version.status) if version else None

    def _editor(self, caller: Principal) -> life.Editor:
        return life.Editor(caller, count_operators(self._registry.persons.values()))

    def _settled(
        self,
        caller: Principal,
        name: DocumentName,
        spec: DocumentSpec,
        known: DocumentVersion | None,
        status: DocumentSpec,
    ) -> DocumentSpec:
        """Return the status after a change, with the approving roles that the person has had, or refuse the change."""
        self._keep_operators(caller, name, spec, status)
        if known is not None:
            status = {**status, **approver_roles.recorded(known.spec or spec, known.status)}
        return approver_roles.with_present_roles(spec, status)

    def _keep_operators(self, caller: Principal, name: DocumentName, spec: DocumentSpec, status: DocumentSpec) -> None:
        """Refuse a change that takes away the last operator who is a person, or, by a system, one of the last two.

        Otherwise a system alone could bring back the time when fewer persons had to agree on the next operator. A person may end
        one of the last two: the other one may have lost their account.

        Args:
            spec: what the person's document becomes.
            status: what its status becomes.
        """
        people = self._registry.persons
        before = count_operators(people.values())
        after = count_operators({**people, name: read_person(name, spec, status)}.values())
        if after >= min(before, 1 if caller.person else 2):
            return
        if after == 0:
            raise Refusal(
                "step-not-allowed",
                vi=f"Người dùng {name} là người vận hành trục cuối cùng; hãy đăng ký và phê duyệt một người vận hành khác trước.",
                en=f"Person {name} is the last operator of the bus who is a person; register another operator and have them approved first.",
            )
        raise Refusal(
            "step-not-allowed",
            vi=f"Người dùng {name} là một trong hai người vận hành trục cuối cùng, nên hệ thống không được thực hiện việc này; hãy nhờ người vận hành còn lại đăng nhập (lgsp login) rồi thực hiện.",
            en=f"Person {name} is one of the last two operators who are persons, so a system may not do this; ask the other operator to sign in (lgsp login) and to do it.",
        )
