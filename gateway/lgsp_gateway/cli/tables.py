"""Tables as `kubectl` prints them: no lines around, no cell cut off, whole where another program reads them.

A cell is shown as it is written: nothing in it is markup, and nothing steers the terminal.
"""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lgsp_problems import on_one_line

NO_VALUE = "<none>"
"""A cell of what has none, as kubectl writes it."""


def show(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; nothing where it has no rows."""
    cells = [[Text(on_one_line(cell)) for cell in row] for row in rows]
    if not cells:
        return
    table = Table(box=None, pad_edge=False, header_style="")
    for title in titles:
        table.add_column(title, no_wrap=True, overflow="ignore")
    for row in cells:
        table.add_row(*row)
    Console(soft_wrap=True, width=None if sys.stdout.isatty() else 1000).print(table)
