"""Which names of an inbox are files of the office."""

import pytest

from lgsp_adapters.inboxes.inbox_file import is_inbox_file


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("danh-sách.xlsx", True),
        ("~danh-sách.xlsx", True),
        ("~$danh-sách.xlsx", False),
        (".~lock.danh-sách.xlsx#", False),
        ("danh-sách.xlsx.report.json", False),
        ("danh-sách.xlsx.accepted.json", False),
        (".0123.lgsp-part", False),
    ],
)
def test_what_programs_keep_beside_a_file_is_none(name: str, taken: bool) -> None:
    assert is_inbox_file(name, "*") is taken
