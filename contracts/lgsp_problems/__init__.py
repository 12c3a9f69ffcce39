"""How the bus says no: one exception family, one table of codes, every sentence in Vietnamese and English.

This is the lowest floor of the house. Contracts, identity, adapters and gateway all refuse, and all of them refuse
with the same type; only one place (`lgsp_gateway.http.problems`) turns it into an HTTP answer and one
(`lgsp_gateway.cli.main`) into a line on a terminal.
"""

from lgsp_problems.codes import CODES, ProblemCode
from lgsp_problems.harmless import harmless, is_harmful, on_one_line
from lgsp_problems.refusal import Refusal, Violation
from lgsp_problems.text import Language, Text

__all__ = ["CODES", "Language", "ProblemCode", "Refusal", "Text", "Violation", "harmless", "is_harmful", "on_one_line"]
