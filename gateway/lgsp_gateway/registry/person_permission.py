"""May this caller change this person, and what does the registry say of the person then?

The rules are those of `lifecycle.persons`; here stands what of the registry they are asked about.
"""

from lgsp_auth.principal import Principal
from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.documents import DocumentSpec, DocumentVersion
from lgsp_gateway.registry.lifecycle import persons as life
from lgsp_gateway.registry.persons import somebody_has
from lgsp_gateway.registry.snapshot import RegistrySnapshot


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
        return life.put(name, before, spec, status, self._editor(caller, name))

    def link(self, caller: Principal, name: DocumentName, known: DocumentVersion, account: str) -> DocumentSpec:
        """The status of a person to whom an account is linked.

        Args:
            account: the commitment to it.

        Raises:
            Refusal: `not-granted` or `step-not-allowed`.
        """
        roles = frozenset((known.spec or {}).get("roles", ()))
        return life.link(name, roles, known.status, self._editor(caller, name), account)

    def act(
        self, caller: Principal, name: DocumentName, known: DocumentVersion, action: life.Action, reason: str
    ) -> DocumentSpec:
        """The status of a person after another step.

        Raises:
            Refusal: `not-granted`, `step-not-allowed` or `malformed`.
        """
        return life.act(name, action, known.status, self._editor(caller, name), reason)

    def _editor(self, caller: Principal, name: str) -> life.Editor:
        others = (person for person in self._registry.persons.values() if person.name != name)
        return life.Editor(caller, first=not somebody_has("operator", others))
