"""The one exception family of the bus.

Anything that says no raises a `Refusal`: a code from the table (or one that a contract declares), one sentence in two
languages that says what to do, and, for a contract violation, where the document breaks which rule. A refusal never
carries a value from the document it refuses: it goes to logs and to evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lgsp_problems.codes import CODES, ProblemCode
from lgsp_problems.text import Text


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: `pointer` leads into the document, `rule` into the schema (both RFC 6901). Of a missing field, `rule` ends
    with its name.

    The field names of a document can be data themselves, so logs name the rule and never the place.
    """

    pointer: str
    rule: str
    message: Text


class Refusal(Exception):  # noqa: N818 - the word of the field: a call is refused, nothing has gone wrong
    """A "no" with its reason.

    Args:
        code: a key of `CODES`, or with `kind` the code of an error that a contract declares.
        vi, en: one sentence each that says what is wrong and what to do.
        kind: status and title, where the code is not in the table.
        violations: which rules a document breaks.
        retry_after: seconds after which trying again may help; becomes `Retry-After` (RFC 9110).
        private: what operations may read in the log and the caller may not. No personal data.
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
