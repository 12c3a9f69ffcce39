"""Full names of systems: read, written, and refused in words that do not repeat them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp_contracts.qualified_names import QualifiedName, parse_system
from lgsp_problems import Refusal


def test_a_full_name_is_read_and_written() -> None:
    name = QualifiedName.parse("VN/GOV/H49.12/mot-cua")
    assert (name.instance, name.member_class, name.member, name.subsystem) == ("VN", "GOV", "H49.12", "mot-cua")
    assert str(name) == "VN/GOV/H49.12/mot-cua"
    assert name == QualifiedName("VN", "GOV", "H49.12", "mot-cua")
    assert str(QualifiedName.parse("ee-dev/COM/10239452/DVC_CONG.v2")) == "ee-dev/COM/10239452/DVC_CONG.v2"


def test_a_bare_name_means_this_instance() -> None:
    assert parse_system("mot-cua") == "mot-cua"
    assert parse_system("VN/GOV/H49/x") == QualifiedName("VN", "GOV", "H49", "x")


@pytest.mark.parametrize(
    "bad",
    [
        *("", "/", "///", "VN/GOV/H50", "VN/GOV/H49/a/b", "/GOV/H49/a", "VN/GOV/H49/", "VN//H49/a"),
        *("VN/GOV/../a", "VN/GOV/./a", "VN/GOV/H49./a", "VN/GOV/.H49/a", "V.N/GOV/H49/a", "VN/GO_V/H49/a"),
        *("VN/GOV/H49/a b", "VN/GOV/H49/a\n", "VN/GOV/H49/*", "VN/GOV/H49/>", "VN/GOV/H49/đ", "VN/GOV/H49/a%2f"),
        *("VN/GOV/H49/a:b", "VN/GOV/H49/a;b", "VN/GOV/H49/a\\b", "VN/GOV/H49/a\u202eb", "VN/GOV/H49/" + "x" * 64),
    ],
)
def test_what_is_no_full_name_is_refused(bad: str) -> None:
    for read in (QualifiedName.parse, *([parse_system] if "/" in bad else [])):
        with pytest.raises(Refusal) as refused:
            read(bad)
        assert refused.value.code == "malformed"
        assert refused.value.detail.en.endswith("correct it.")
        assert refused.value.detail.vi != refused.value.detail.en
        assert len(bad) < 4 or bad not in refused.value.detail.en


@given(st.text(), st.text(), st.text(), st.text())
def test_what_can_be_made_can_be_read_back(instance: str, member_class: str, member: str, subsystem: str) -> None:
    try:
        name = QualifiedName(instance, member_class, member, subsystem)
    except Refusal:
        return
    assert QualifiedName.parse(str(name)) == name
    assert str(name).isascii()
    assert not set(str(name)) & set(" *>\\%:?#&=+$~'\"")
