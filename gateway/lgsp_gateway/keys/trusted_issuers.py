"""Reads which other issuers' tokens are accepted from a configuration file, which an operator writes:

issuers:
  - issuer: https://id.quangninh.gov.vn
    audience: lgsp
    algorithms: [RS256]
    systems: {claim: client_id, names: {abc-123: mot-cua}}
  - issuer: https://vneid.gov.vn
    audience: lgsp
    algorithms: [ES256]
    people: {claim: so_dinh_danh, kind: citizen}
"""

from pathlib import Path
from typing import Any

from lgsp_auth.issuer_keys import IssuerKeys
from lgsp_auth.trusted_issuer import Issuer
from lgsp_contracts import documents


def load_trusted_issuers(path: Path | None) -> list[tuple[Issuer, IssuerKeys]]:
    """Read the trusted issuers from a file, each with its keys, which are fetched later (`IssuerKeys.refresh`).

    Args:
        path: None where only the bus itself issues tokens; then the list is empty.

    Raises:
        Refusal: `invalid-document`, naming the file, the line and what to correct.
    """
    if path is None:
        return []
    location, document = documents.read_first(path)
    documents.check("issuers", document, location)
    return [_parse_issuer(entry) for entry in document["issuers"]]


def _parse_issuer(entry: dict[str, Any]) -> tuple[Issuer, IssuerKeys]:
    keys = IssuerKeys(entry["issuer"])
    systems, people = entry.get("systems", {}), entry.get("people", {})
    issuer = Issuer(
        name=entry["issuer"],
        algorithms=tuple(entry["algorithms"]),
        find_key=keys.find,
        refresh=keys.refresh,
        audience=entry["audience"],
        types=tuple(name.lower() for name in entry.get("tokenTypes", ("at+jwt", "jwt"))),
        system_claim=systems.get("claim", ""),
        systems=systems.get("names", {}),
        person_claim=people.get("claim", ""),
        person_kind=people.get("kind", "citizen"),
    )
    return issuer, keys
