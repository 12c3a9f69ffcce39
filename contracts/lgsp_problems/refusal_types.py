"""The refusals that code of the bus tells apart, each with a type of its own.

Code branches on the type, never on the text of the problem code. A code listed here is raised through its type only
(`tests/unit/test_errors.py`). Where a code arrives from another process, `refusal_with_code` turns it into the type once, where the
answer is parsed.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from lgsp_problems.codes import CODES
from lgsp_problems.refusal import Refusal, Violation


class TypedRefusal(Refusal):
    """A refusal whose type determines its code. The arguments are those of `Refusal`."""

    CODE: ClassVar[str]

    def __init__(
        self,
        *,
        vi: str,
        en: str,
        violations: Sequence[Violation] = (),
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        private: str = "",
    ) -> None:
        super().__init__(
            self.CODE, vi=vi, en=en, violations=violations, retry_after=retry_after, headers=headers, private=private
        )


class BusUnavailable(TypedRefusal):
    """The bus itself lacks a part that it needs, such as NATS: no fault of whoever asks, who may ask again."""

    CODE = "bus-unavailable"


class CannotStart(TypedRefusal):
    """The environment of a process keeps it from starting: a port, a file, a server. The same start may succeed later."""

    CODE = "cannot-start"


class ContractAmbiguous(TypedRefusal):
    """Two independent validators disagree about a document of the contract, so its readers understand it differently."""

    CODE = "contract-ambiguous"


class EventConflict(TypedRefusal):
    """An event of the same source and id was published with other content."""

    CODE = "event-conflict"


class EvidenceForged(TypedRefusal):
    """Evidence does not prove what it should. Asking again does not change that."""

    CODE = "evidence-forged"


class NoAdapter(TypedRefusal):
    """No adapter serves the service now, so the call reached no system."""

    CODE = "no-adapter"


class NotFound(TypedRefusal):
    """There is no such thing, or the caller may not know of it."""

    CODE = "not-found"


class QuotaExceeded(TypedRefusal):
    """The caller has used what it may use in a period."""

    CODE = "quota-exceeded"


class RequestTooSlow(TypedRefusal):
    """The request did not arrive in time; its connection is closed."""

    CODE = "too-slow"


class SecondFactorRequired(TypedRefusal):
    """The password is right, and the user has set up a second factor."""

    CODE = "second-factor-required"


class ProviderLimitReached(TypedRefusal):
    """The limit that the provider sets is reached, so the request was not carried out."""

    CODE = "provider-limit-reached"


class RequestUnfit(TypedRefusal):
    """The request cannot be expressed for the provider's system, and nothing was sent to it."""

    CODE = "request-unfit"


class SecretDocument(TypedRefusal):
    """A document is marked with a degree of secrecy of the state, and may not pass over the bus."""

    CODE = "secret-document"


class RevisionConflict(TypedRefusal):
    """Somebody else changed the document first."""

    CODE = "revision-conflict"


class StorageFull(TypedRefusal):
    """The storage of the bus has no room for anything new. What was received is kept."""

    CODE = "storage-full"


class StorageQuotaExceeded(TypedRefusal):
    """The agency has stored what it may store."""

    CODE = "storage-quota-exceeded"


_TYPES: dict[str, type[TypedRefusal]] = {kind.CODE: kind for kind in TypedRefusal.__subclasses__()}


def refusal_with_code(
    code: str,
    *,
    vi: str,
    en: str,
    violations: Sequence[Violation] = (),
    retry_after: int | None = None,
    private: str = "",
) -> Refusal:
    """Make the refusal that another process reported, of the type that belongs to its code.

    Args:
        code: the other's problem code; one that this version does not know becomes `internal-error`.
        vi, en: the other's sentence.
        violations: which rules a document breaks.
        retry_after: seconds after which a retry may succeed.
        private: details for the operator's log, where the other process is one of our own.
    """
    typed = _TYPES.get(code)
    if typed:
        return typed(vi=vi, en=en, violations=violations, retry_after=retry_after, private=private)
    known = code if code in CODES else "internal-error"
    return Refusal(known, vi=vi, en=en, violations=violations, retry_after=retry_after, private=private)
