"""Which texts are marked with a degree of secrecy, however the mark is written, and which only speak of it."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from lgsp_contracts.message_checks import check_answer, check_request
from lgsp_contracts.schemas import Schema
from lgsp_contracts.secrecy_markings import is_marked, is_marked_notation, is_secret_degree
from lgsp_contracts.strict_json import Limits
from lgsp_problems import Refusal, SecretDocument

MARKED = [
    "MẬT",
    "mật",
    "(MẬT)",
    "Về nhân sự (Mật)",
    "“Mật”",
    "[Mật] họp giao ban",
    "TỐI MẬT",
    "Tối  mật",
    "Tối mat",
    "tuyệt mật",
    "TUYET MAT",
    "toi mat",
    "Độ mật: Tối mật",
    "Độ mật: A",
    "Mức độ mật B",
    "muc do mat: 2",
    "Do mat: C",
    "V/v nhân sự - MẬT",
    "MẬT - V/v nhân sự",
    "M Ậ T",
    "M.Ậ.T",
    "T Ố I   M Ậ T",
    "Công văn mật số 12",
    "Kế hoạch mật",
    "đóng dấu Mật",
    "BÁO CÁO MẬT VỀ NHÂN SỰ",
    "tai lieu mat",
    "TOI_MAT_cv12.pdf",
    "ToiMat.pdf",
    "TUYỆT_MẬT.pdf.zip",
    "cv12-MAT.pdf",
    "mat.pdf",
    "mật.docx",
    "van_ban_mat.pdf",
    "\uff2d\u1eac\uff34",
    "\u041c\u200b\u1eac\u0422",
    "T\u1ed0I M\u00ad\u1eacT",
]
INNOCENT = [
    "",
    "Công văn",
    "V/v bảo mật thông tin",
    "BẢO MẬT",
    "Tăng cường bảo vệ bí mật nhà nước",
    "mật độ dân số",
    "MẬT ĐỘ DÂN SỐ",
    "mật khẩu",
    "mật ong",
    "viêm túi mật",
    "bà Nguyễn Thị Mật",
    "NGUYỄN THỊ MẬT",
    "ông Nguyễn Văn Mật",
    "Độ mật: Thường",
    "Độ mật: không",
    "muc do mat: thuong",
    "Đơn trình báo tôi mất giấy tờ",
    "V/v mat giay to",
    "giay to do mat",
    "Mặt trận Tổ quốc",
    "MẶT TRẬN TỔ QUỐC",
    "CCCD_mat_truoc.jpg",
    "CCCD_MAT_TRUOC.JPG",
    "mat_sau.png",
    "MAT BANG",
    "automat",
    "format",
]
FORMS = ["NFC", "NFD", "NFKC", "NFKD"]
SCHEMA = Schema({"properties": {"trichYeu": {"type": "string", "format": "van-ban-khong-mat", "maxLength": 60}}}, "x")
LIMITS = Limits()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", MARKED)
def test_a_marking_is_recognised(text: str, form: str) -> None:
    assert is_marked(unicodedata.normalize(form, text))  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", INNOCENT)
def test_a_text_that_speaks_of_it_passes(text: str, form: str) -> None:
    assert not is_marked(unicodedata.normalize(form, text))  # type: ignore[arg-type]


@pytest.mark.parametrize("notation", ["12/SM-MAT", "TỐI MẬT", "SM-Mật", "toimat", "M Ậ T"])
def test_a_notation_is_searched_strictly(notation: str) -> None:
    assert is_marked_notation(notation)
    assert not is_marked_notation("SM-VP")


def test_a_field_of_the_degree_allows_none_alone() -> None:
    assert all(map(is_secret_degree, ["Mật", "A", "1", "TUYỆT MẬT", "x"]))
    assert not any(map(is_secret_degree, ["", " ", "0", "Thường", "THƯỜNG.", "Không", "khong"]))


@settings(max_examples=examples(300), deadline=None)
@given(st.text(alphabet=st.sampled_from("mMaậẬtT oỐi:-(). _\u0323\u0302Độ\u200b"), max_size=40), st.sampled_from(FORMS))
def test_form_of_unicode_does_not_matter(text: str, form: str) -> None:
    assert is_marked(text) == is_marked(unicodedata.normalize(form, text))  # type: ignore[arg-type]


@pytest.mark.parametrize("stacked", ["\u0323\u0301", "\u0323\u200b\u0301\u200b", "\uff9e\u0301"])
def test_marks_without_number_on_a_letter_hold_up_and_hide_nothing(stacked: str) -> None:
    assert is_marked(f"a{stacked * 250_000} (MẬT)")
    assert not is_marked(f"V/v bảo mật a{stacked * 250_000}")


def test_a_marked_document_is_refused_as_such_both_ways() -> None:
    marked = '{"trichYeu": "Về nhân sự (Mật)"}'.encode()
    with pytest.raises(SecretDocument) as refused:
        check_request(SCHEMA, LIMITS, marked)
    assert "/trichYeu" in refused.value.detail.en
    assert "nhân sự" not in refused.value.detail.vi
    with pytest.raises(SecretDocument):
        check_answer(SCHEMA, LIMITS, marked)
    with pytest.raises(Refusal) as long:
        check_request(SCHEMA, LIMITS, b'{"trichYeu": "%b"}' % (b"a" * 61))
    assert long.value.code == "contract-violation"
