"""The pieces of a call, each alone, by pytest-benchmark. `./lgsp bench run`."""

import secrets
import time
from typing import Any

import orjson
import pytest

from bench import history
from lgsp_auth.authorization_header import bearer_digest
from lgsp_auth.issuing import AccessTokens
from lgsp_auth.signing_keys import ALGORITHM, KeyRing, SigningKey
from lgsp_auth.tokens import Verifier
from lgsp_auth.trusted_issuer import Issuer
from lgsp_contracts.projection import Projection
from lgsp_contracts.schemas import Schema
from lgsp_gateway.calls.record import CallRecord
from lgsp_gateway.evidence.pseudonyms import Pseudonyms

ISSUER = "https://bus.test"


@pytest.fixture
def keep(benchmark: Any, request: Any) -> Any:
    yield benchmark
    name = request.node.name.removeprefix("test_").replace("_", " ")
    history.record(name, benchmark.stats.stats.median * 1e6, "µs", LIMITS.get(request.node.name, ""))


LIMITS = {"test_validating_300_fields_on_5_levels": "< 100"}


def _wide(levels: int, fields: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema of nested objects, and a document that keeps it."""
    kinds = (
        ({"type": "string", "minLength": 1, "maxLength": 120}, "Nguyễn Văn An"),
        ({"type": "string", "format": "date"}, "1993-05-17"),
        ({"type": "integer", "minimum": 0}, 7),
        ({"enum": ["NAM", "NU"]}, "NAM"),
        ({"type": "string", "pattern": "^[0-9]{12}$"}, "022093001234"),
    )
    properties: dict[str, Any] = {}
    document: dict[str, Any] = {}
    for number in range(fields):
        properties[f"truong{number}"], document[f"truong{number}"] = kinds[number % len(kinds)]
    if levels > 1:
        properties["con"], document["con"] = _wide(levels - 1, fields)
    schema = {"type": "object", "required": list(properties), "additionalProperties": False, "properties": properties}
    return schema, document


def test_validating_300_fields_on_5_levels(keep: Any) -> None:
    schema, document = _wide(5, 60)
    compiled = Schema(schema, "bench")
    assert keep(compiled.is_valid, document)


def test_projecting_300_fields(keep: Any) -> None:
    _, document = _wide(5, 60)
    projection = Projection([f"/con/con/truong{number}" for number in range(60)] + ["/truong1"])
    assert keep(projection.apply, document)["truong1"]


def test_recalling_a_token(keep: Any) -> None:
    key = SigningKey.generate()
    ring = KeyRing([key])
    verifier = Verifier([Issuer(ISSUER, (ALGORITHM,), ring.find)])
    shown = "Bearer " + AccessTokens(ISSUER, lambda: ring).sign("mot-cua", time.time())
    assert verifier.verify(shown, time.time()).system == "mot-cua"
    assert keep(lambda: verifier.recall(bearer_digest(shown), time.time()))


def test_writing_an_entry(keep: Any) -> None:
    record = CallRecord(
        "019ab", "1" * 32, "mot-cua", "H49.12", "gw-1", time.perf_counter(), int(time.time() * 1000), bytes(16)
    )
    record.service, record.version, record.operation, record.grant = "bench", "1.0.0", "verify", "grant"
    assert orjson.loads(keep(record.handled))["consumer"] == "mot-cua"


def test_making_a_pseudonym(keep: Any) -> None:
    assert keep(Pseudonyms(secrets.token_bytes(32)).of, "022093001234")
