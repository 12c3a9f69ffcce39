"""Errors that callers see: one exception family, one table of codes, every sentence in Vietnamese and English.

This package depends on no other of lgsp. Contracts, identity, adapters and gateway raise the same exception type; only
`lgsp_gateway.http.problems` turns it into an HTTP response, and only `lgsp_gateway.cli.main` into a line on a terminal.
"""

from lgsp_problems.codes import CODES, ProblemCode
from lgsp_problems.harmless import harmless, is_harmful, on_one_line
from lgsp_problems.refusal import Refusal, Violation
from lgsp_problems.refusal_types import (
    BusUnavailable,
    CannotStart,
    ContractAmbiguous,
    EventConflict,
    EvidenceForged,
    NoAdapter,
    NotFound,
    ProviderLimitReached,
    QuotaExceeded,
    RequestTooSlow,
    RequestUnfit,
    RevisionConflict,
    SecondFactorRequired,
    SecretDocument,
    StorageFull,
    StorageQuotaExceeded,
    TypedRefusal,
    refusal_with_code,
)
from lgsp_problems.text import Language, Text

__all__ = [
    "CODES",
    "BusUnavailable",
    "CannotStart",
    "ContractAmbiguous",
    "EventConflict",
    "EvidenceForged",
    "Language",
    "NoAdapter",
    "NotFound",
    "ProblemCode",
    "ProviderLimitReached",
    "QuotaExceeded",
    "Refusal",
    "RequestTooSlow",
    "RequestUnfit",
    "RevisionConflict",
    "SecondFactorRequired",
    "SecretDocument",
    "StorageFull",
    "StorageQuotaExceeded",
    "Text",
    "TypedRefusal",
    "Violation",
    "harmless",
    "is_harmful",
    "on_one_line",
    "refusal_with_code",
]
