"""A SOAP fault, with variables for the `errors` of a manifest.

.NET, WSO2 and others say "nobody of that number" or "debt open" as a fault whose detail holds the code. So what a fault says is as reachable as
an answer:

    errors:
      - {when: detail.Err.Code == 'DEBT_OPEN', is: debt-open}
      - {when: faultcode == 'Client' && starts_with(faultstring || '', 'NOT_FOUND'), is: not-found}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_adapters.mapping.xml_documents import document, elements, local_name, whole_text
from lgsp_adapters.mapping.xml_element import XmlElement
from lgsp_contracts.wire import Failure

_REFUSAL_CODES = (
    "Client",
    "Sender",
    "FailedAuthentication",
    "InvalidSecurity",
    "InvalidSecurityToken",
    "SecurityTokenUnavailable",
)
"""Fault codes that mean that the system refuses the adapter: SOAP 1.1, 4.4.1; SOAP 1.2, 5.4.6; WS-Security, 12."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What a fault says: local names of its codes, `""` where it says none; its reason; its detail as a document."""

    code: str
    subcode: str
    reason: str | None
    detail: Any

    def why(self) -> Failure:
        """Classify the fault: the system refused the adapter, or it failed itself."""
        return (
            "refused" if self.code.partition(".")[0] in _REFUSAL_CODES or self.subcode in _REFUSAL_CODES else "broken"
        )

    def note(self) -> str:
        """Describe the fault for a log: its codes, without a word that may quote a value."""
        codes = "/".join(code[:40] for code in (self.code, self.subcode) if code) or "without a code"
        return f"SOAP fault {codes}" + ("" if self.reason else ", without a faultstring")

    def message(self) -> str:
        """Return the fault's own message, for an integrator's terminal only."""
        return f"SOAP fault {self.code or NO_CODE}: {self.reason or '(it gives no faultstring)'}"

    def variables(self) -> dict[str, Any]:
        """Return the fault as the variables of a mapping."""
        codes = {"fault": self.code or NO_CODE, "subcode": self.subcode, "detail": self.detail}
        return {**codes, "faultcode": self.code or NO_CODE, "faultstring": self.reason}


NO_CODE = "-"
"""The code of a fault that says none."""

NO_FAULT: dict[str, Any] = {"fault": "", "faultcode": "", "subcode": "", "faultstring": None, "detail": None}
FAULT_NAMES = tuple(NO_FAULT)


def fault_of_rule(scope: Mapping[str, Any]) -> Fault | None:
    """Return the fault that the variables of a mapping hold."""
    if not scope["fault"]:
        return None
    return Fault(
        "" if scope["faultcode"] == NO_CODE else scope["faultcode"],
        scope["subcode"],
        scope["faultstring"],
        scope["detail"],
    )


def parse_fault(element: XmlElement) -> Fault:
    """Parse a `Fault` element of either version, be its parts qualified or not."""
    parts = {local_name(child).lower(): child for child in elements(element)}
    code = parts.get("faultcode", parts.get("code"))
    reason = parts.get("faultstring", parts.get("reason"))
    detail = parts.get("detail")
    return Fault(
        _code(code),
        _code(_child(code, "Subcode")),
        _reason(reason),
        document(detail) if detail is not None else None,
    )


def _code(element: XmlElement | None) -> str:
    """The local name of a code: the text of SOAP 1.1's, the `Value` of SOAP 1.2's."""
    if element is None:
        return ""
    value = _child(element, "Value")
    return ((element if value is None else value).text or "").strip().rpartition(":")[2]


def _reason(element: XmlElement | None) -> str | None:
    """Its text; of several languages the first."""
    if element is None:
        return None
    text = _child(element, "Text")
    return whole_text(element if text is None else text)


def _child(element: XmlElement | None, name: str) -> XmlElement | None:
    children = elements(element) if element is not None else []
    return next((child for child in children if local_name(child) == name), None)
