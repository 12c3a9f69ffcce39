"""The identifiers of the state."""

import pytest

from lgsp_contracts.formats import FORMAT_CHECKS


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("so-dinh-danh", ["022093001234"], ["22093001234", "02209300123a", "０22093001234", "022093001234\n", ""]),
        ("so-cmnd", ["103001234"], ["10300123", "1030012345"]),
        ("ma-so-doanh-nghiep", ["5700999001", "5700999001-001"], ["5700999002", "57 0099 9001", "5700999001-1"]),
        ("ma-so-bhxh", ["2293001234"], ["229300123", "x293001234"]),
        ("ma-the-bhyt", ["2293001234", "DN4222293001234"], ["DN9222293001234", "dn4222293001234", "229300123"]),
        ("ma-dinh-danh-dien-tu", ["H49", "H49.12", "G01.32.4"], ["h49", "H4", "H49.", "H49.1.2.3.4"]),
    ],
)
def test_format(name: str, good: list[str], bad: list[str]) -> None:
    assert all(FORMAT_CHECKS[name](value) for value in good)
    assert not any(FORMAT_CHECKS[name](value) for value in bad)
