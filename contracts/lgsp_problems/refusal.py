"""The one exception family of the bus.

Everything that is rejected raises a `Refusal`: a code from the table (or one that a contract declares), one sentence in two
languages that says what to do, and, for a contract violation, where the document breaks which rule. A refusal never
contains a value of the document that it rejects: it is written to logs and to the evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lgsp_problems.codes import CODES, ProblemCode
from lgsp_problems.text import Text


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: `pointer` leads into the document, `rule` into the schema (both RFC 6901). Of a missing field, `rule` ends
    with its name.

    The field names of a document can be data themselves, so logs name the rule and never the pointer.
    """

    pointer: str
    rule: str
    message: Text


class Refusal(Exception):  # noqa: N818 - the field's term: a call is refused, nothing has failed
    """A rejection with its reason. Subclass it where callers must tell one reason from another by type.

    Args:
        code: a key of `CODES`, or with `kind` the code of an error that a contract declares.
        vi, en: one sentence each: what is wrong and what to do.
        kind: status and title, where the code is not in the table.
        violations: which rules a document breaks.
        retry_after: seconds after which a retry may succeed; becomes `Retry-After` (RFC 9110).
        headers: further headers of the HTTP response.
        private: details for the operator's log that the caller must not see; no personal data.
    """

    def __init__(
        self,
        code: str,
        *,
        vi: str,
        en: str,
        kind: ProblemCode | None = None,
        violations: Sequence[Violation] = (),
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        private: str = "",
    ) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.kind = kind or CODES[code]
        self.detail = Text(vi, en)
        self.violations = tuple(violations)
        self.retry_after = retry_after
        self.headers = dict(headers or {})
        self.private = private
