"""The tables of functions in docs/reference/mapping.md, made from functions.yaml: `PYTHONPATH=tests python -m support.function_tables`."""

import re

from lgsp_adapters.mapping import function_reference
from lgsp_adapters.mapping.function_reference import Example, FunctionReference
from support.processes import ROOT

PAGE = ROOT / "docs/reference/mapping.md"
_TABLES = re.compile(r"<!-- functions: (\w+) -->\n.*?<!-- end of functions -->", re.DOTALL)


def with_tables(page: str) -> str:
    """Make the page with the tables of each group as functions.yaml has them now."""
    functions = function_reference.load().values()
    return _TABLES.sub(lambda match: _group(match[1], [each for each in functions if each.group == match[1]]), page)


def _group(name: str, functions: list[FunctionReference]) -> str:
    lines = [f"<!-- functions: {name} -->", "", "| function | |", "| --- | --- |"]
    lines += [f"| `{function.signature}` | {function.summary} |" for function in functions]
    lines += ["", "| expression | `x` | result |", "| --- | --- | --- |"]
    lines += [_example(example) for function in functions for example in function.examples]
    return "\n".join([*lines, "", "<!-- end of functions -->"])


def _example(example: Example) -> str:
    quoted = f"`` {example.expression} ``" if "`" in example.expression else f"`{example.expression}`"
    return f"| {quoted} | `{example.x}` | {f'error: {example.error}' if example.error else f'`{example.result}`'} |"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
