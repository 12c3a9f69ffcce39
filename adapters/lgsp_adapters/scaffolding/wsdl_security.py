"""What the policies of a WSDL (WS-Policy, WS-SecurityPolicy) require of a request: a UsernameToken, or HTTP Basic.

Read here, since zeep skips policies. Both OASIS's names and those that .NET generates are known; what else a policy requires is reported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_ID = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}Id"
_XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
_DIGEST = "HashPassword"
_BASIC = ("HttpBasicAuthentication", "BasicAuthentication")
_NOT_POSSIBLE = (
    *("X509Token", "KerberosToken", "SamlToken", "IssuedToken", "SecureConversationToken"),
    *("NegotiateAuthentication", "NtlmAuthentication", "DigestAuthentication", "HttpDigestAuthentication"),
)
"""Assertions that the connector `soap` does not implement."""


@dataclass(frozen=True, slots=True)
class WsdlSecurity:
    """What a port requires of each request."""

    username_token: bool = False
    digest: bool = False
    basic: bool = False
    not_possible: Sequence[str] = ()
    """The names of assertions that no manifest can fulfil."""


def read_security(texts: Sequence[bytes], port: str) -> WsdlSecurity:
    """Read the policies of a port, of its binding, and of the binding's operations.

    Args:
        texts: the WSDL and the documents that it imports.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    roots = [etree.fromstring(text, parser) for text in texts]
    policies = {name: element for root in roots for element in _named(root, "Policy") for name in _ids(element)}
    names = [name for part in _parts_of_port(roots, port) for name in _assertions(part, policies, frozenset())]
    return WsdlSecurity(
        username_token="UsernameToken" in names,
        digest=_DIGEST in names,
        basic=any(name in _BASIC for name in names),
        not_possible=[name for name in _NOT_POSSIBLE if name in names],
    )


def _parts_of_port(roots: Sequence[Any], port: str) -> Iterator[Any]:
    for root in roots:
        for element in root.iter(f"{_WSDL}port"):
            if element.get("name") == port:
                yield element
                binding = element.get("binding", "").rpartition(":")[2]
                yield from (
                    one for other in roots for one in other.iter(f"{_WSDL}binding") if one.get("name") == binding
                )


def _assertions(part: Any, policies: dict[str, Any], seen: frozenset[str]) -> Iterator[str]:
    """Yield the local names of the assertions of all policies in an element and of those that it references."""
    for policy in _named(part, "Policy"):
        yield from (etree.QName(element).localname for element in policy.iter(etree.Element))
    for reference in _named(part, "PolicyReference"):
        name = reference.get("URI", "").partition("#")[2]
        if name in policies and name not in seen:
            target = policies[name]
            yield from (etree.QName(element).localname for element in target.iter(etree.Element))
            yield from _assertions(target, policies, seen | {name})


def _named(root: Any, name: str) -> Iterator[Any]:
    """Iterate over elements by their local name: WS-Policy has three namespaces in use."""
    return (element for element in root.iter(etree.Element) if etree.QName(element).localname == name)


def _ids(policy: Any) -> list[str]:
    return [value for key in (_ID, _XML_ID, "Name", "Id") if (value := policy.get(key))]
