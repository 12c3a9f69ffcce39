"""May this caller change this person, and what does the registry say of the person then?

The rules are those of `lifecycle.persons`; here stands what of the registry they are asked about.
"""

from lgsp_auth.principal import Principal
from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.documents import DocumentSpec, DocumentVersion
from lgsp_gateway.registry.lifecycle import persons as life
from lgsp_gateway.registry.persons import read_person, somebody_has
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal


class PersonPermission:
    """Decides on changes of persons that keep their schema, by callers whose roles let them change persons."""

    def __init__(self, registry: RegistrySnapshot) -> None:
        self._registry = registry

    def put(
        self, caller: Principal, name: DocumentName, spec: DocumentSpec, known: DocumentVersion | None
    ) -> DocumentSpec:
        """The status of a person whose document is created or edited.

        Raises:
            Refusal: `not-granted` or `step-not-allowed`.
        """
        before, status = (known.spec, known.status) if known else (None, {})
        after = life.put(name, before, spec, status, self._editor(caller))
        self._keep_an_operator(name, spec, after)
        return after

    def link(self, caller: Principal, name: DocumentName, known: DocumentVersion, account: str) -> DocumentSpec:
        """The status of a person to whom an account is linked.

        Args:
            account: the commitment to it.

        Raises:
            Refusal: `not-granted` or `step-not-allowed`.
        """
        spec = known.spec or {}
        after = life.link(name, frozenset(spec["roles"]), known.status, self._editor(caller), account)
        self._keep_an_operator(name, spec, after)
        return after

    def act(
        self, caller: Principal, name: DocumentName, known: DocumentVersion, action: life.Action, reason: str
    ) -> DocumentSpec:
        """The status of a person after another step.

        Raises:
            Refusal: `not-granted`, `step-not-allowed` or `malformed`.
        """
        after = life.act(name, action, known.status, self._editor(caller), reason)
        self._keep_an_operator(name, known.spec or {}, after)
        return after

    def _editor(self, caller: Principal) -> life.Editor:
        return life.Editor(caller, first=not somebody_has("operator", self._registry.persons.values()))

    def _keep_an_operator(self, name: DocumentName, spec: DocumentSpec, status: DocumentSpec) -> None:
        """Refuse what takes away the last person who is an operator: else whoever may do so, a system alone too, could bring
        back the time before there were people, and make of themselves the first.

        Args:
            spec, status: what the person's document becomes.
        """
        known = self._registry.persons.get(name)
        if known is None or not somebody_has("operator", [known]):
            return
        others = [person for person in self._registry.persons.values() if person.name != name]
        if not somebody_has("operator", [*others, read_person(name, spec, status)]):
            raise Refusal(
                "step-not-allowed",
                vi=f"Người dùng {name} là người vận hành trục cuối cùng; hãy đăng ký và phê duyệt một người vận hành khác trước.",
                en=f"Person {name} is the last operator of the bus who is a person; register another operator and have them approved first.",
            )
