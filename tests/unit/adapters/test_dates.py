"""Days, clocks and instants: what a pattern says exactly, and Vietnam's day where a day is meant."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.adapters import opened, saying
from support.national import call

from lgsp_adapters.mapping.date_patterns import Pattern
from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal


def made(expression: str, x: Any) -> Any:
    return Template(expression, SourceLocation("m"), ("x",))({"x": x})


@pytest.mark.parametrize(
    ("expression", "value", "said"),
    [
        ("iso_date(x, 'dd/MM/yyyy')", "17/05/1993", "1993-05-17"),
        ("iso_date(x, 'd/M/yyyy')", "7/5/1993", "1993-05-07"),
        ("iso_date(x, 'yyyyMMdd')", 19930517, "1993-05-17"),
        ("iso_date(x, 'dd-MMM-yy')", "17-MAY-93", "1993-05-17"),
        ("iso_date(x, 'dd MMM yyyy')", "17 thg 5 1993", "1993-05-17"),
        ("iso_date(x, 'dd/MM/yy')", "17/05/29", "2029-05-17"),
        ("iso_date(x, 'dd/MM/yy')", "17/05/30", "1930-05-17"),
        ("iso_date(x, 'dd/MM/yy', `1926`)", "17/05/26", "1926-05-17"),
        ("iso_date(x, 'M/d/yyyy h:mm:ss a')", "5/17/1993 12:00:00 AM", "1993-05-17"),
        ("iso_date(x, 'dd/MM/yyyy')", " 17/05/1993 ", "1993-05-17"),
        # What is a date already passes.
        ("iso_date(x, 'dd/MM/yyyy')", "1993-05-17", "1993-05-17"),
        ("iso_date(x, 'dd/MM/yyyy')", "1993-05-17T00:00:00", "1993-05-17"),
        ("iso_date(x, 'dd/MM/yyyy')", "1993-05-16T17:00:00Z", "1993-05-17"),
        # An instant's day is Vietnam's.
        ("iso_date(x, 'yyyy-MM-ddTHH:mm:ssZ')", "1993-05-16T17:00:00Z", "1993-05-17"),
        ("iso_date(x, 'yyyy-MM-ddTHH:mm:ssXXX')", "1993-05-17T00:00:00+07:00", "1993-05-17"),
        ("iso_date(x, 'yyyy-MM-ddTHH:mm:ss.SSSZ')", "1993-05-16T17:00:00.000Z", "1993-05-17"),
        ("local_date(x)", "1993-05-16T17:00:00Z", "1993-05-17"),
        ("local_date(x)", "1960-05-16T16:00:00Z", "1960-05-17"),
        ("local_date(x)", "1993-05-17 23:59:59.9999999", "1993-05-17"),
        ("date_text(x, 'dd/MM/yyyy')", "1993-05-16T17:00:00+00:00", "17/05/1993"),
        ("date_text(x, 'dd/MM/yyyy')", "0001-01-01", "01/01/0001"),
        ("date_text(x, 'yyyy')", "0044-03-15", "0044"),
        ("date_text(x, 'd-MMM-yy HH:mm X')", "1993-05-16T17:00:00Z", "17-May-93 00:00 +07"),
        ("instant(x)", "1993-05-17T08:00:00", "1993-05-17T08:00:00+07:00"),
        ("instant(x)", "1993-05-17T01:00:00Z", "1993-05-17T08:00:00+07:00"),
        ("instant(x, 'dd/MM/yyyy HH:mm:ss')", "17/05/1993 08:00:00", "1993-05-17T08:00:00+07:00"),
        ("epoch_seconds(x)", 737571600, "1993-05-17T00:00:00+07:00"),
        ("epoch_milliseconds(x)", "737571600000", "1993-05-17T00:00:00+07:00"),
        ("local_date(epoch_milliseconds(x))", -1, "1970-01-01"),
        ("json_date(x)", "/Date(737571600000+0700)/", "1993-05-17T00:00:00+07:00"),
        ("json_date(x)", r"\/Date(737571600000)\/", "1993-05-17T00:00:00+07:00"),
        ("excel_date(x)", 45000, "2023-03-15"),
        ("excel_date(x)", "45000.75", "2023-03-15"),
        ("excel_date(x)", 1, "1900-01-01"),
        ("excel_date(x)", 59, "1900-02-28"),
        ("excel_date(x)", 61, "1900-03-01"),
        ("excel_date(x, '1904')", 43538, "2023-03-15"),
        ("iso_date(x, 'dd/MM/yyyy')", None, None),
        ("nfc(x)", "Đa\u0306\u0301k", "Đắk"),
    ],
)
def test_a_date_is_read_and_written(expression: str, value: Any, said: str | None) -> None:
    assert made(expression, value) == said


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("iso_date(x, 'ddMMyyyy')", "1112020"),
        ("iso_date(x, 'yyyyMMdd')", "1993517"),
        ("iso_date(x, 'dd/MM/yyyy')", "7/5/1993"),
        ("iso_date(x, 'dd/MM/yyyy')", "31/02/1993"),
        ("iso_date(x, 'dd/MM/yyyy')", "05/17/1993"),
        ("iso_date(x, 'dd/MM/yyyy')", "17/05/93"),
        ("iso_date(x, 'yyyy-dd-MM')", "1993-05-17"),
        ("iso_date(x, 'dd/MM/yyyy')", "17/05/1993 08:00"),
        ("iso_date(x, 'dd/MM/yyyy')", "٢١/05/1993"),
        ("iso_date(x, 'dd/MM/yyyy')", True),
        ("date_text(x, 'dd/MM/yyyy HH:mm')", "1993-05-17"),
        ("date_text(x, 'dd/MM/yyyy')", "17/05/1993"),
        ("date_text(x, 'dd/MM/yyyy')", "1993-02-30"),
        ("instant(x)", "1993-05-17"),
        ("instant(x)", "1993-05-17T24:00:00"),
        ("local_date(x)", "17/05/1993"),
        ("local_date(x)", "9999-12-31T23:00:00Z"),
        ("epoch_seconds(x)", 10**18),
        ("epoch_seconds(x)", "1.5"),
        ("json_date(x)", "737571600000"),
        ("excel_date(x)", 60),
        ("excel_date(x)", 0),
        ("excel_date(x)", -5),
        ("excel_date(x)", 2958466),
        ("excel_date(x)", "17/05/1993"),
    ],
)
def test_what_is_no_such_date_is_refused_without_its_value(expression: str, value: Any) -> None:
    with pytest.raises(MappingError) as refused:
        made(expression, value)
    assert str(value) not in str(refused.value)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("iso_date(x, 'khong-phai-mau')", "no letters k"),
        ("iso_date(x, 'DD/MM/YYYY')", "no letters DD"),
        ("iso_date(x, 'dMyyyy')", "must not be next to another digit"),
        ("iso_date(x, 'yyyyM')", "must not be next to another digit"),
        ("iso_date(x, 'yyyy')", "year, month and day"),
        ("iso_date(x, 'dd/dd/yyyy')", "each part once"),
        ("iso_date(x, 'hh:mm dd/MM/yyyy')", "hh goes with a"),
        ("iso_date(x, '')", "at least one"),
        ("iso_date(x, `5`)", "date pattern"),
        ("iso_date(x, 'dd/MM/yy', '1930')", "is a year"),
        ("iso_date(x)", "takes 2–3 arguments"),
        ("instant(x, 'dd/MM/yyyy')", "a day and an hour"),
        ("date_text(x, 'tt')", "no letters tt"),
        ("excel_date(x, '1905')", "'1900' or '1904'"),
    ],
)
def test_a_pattern_that_is_none_is_refused_at_the_start(expression: str, said: str) -> None:
    with pytest.raises(Refusal) as refused:
        Template(expression, SourceLocation("m"), ("x",))
    assert said in refused.value.detail.en


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from(["dd/MM/yyyy HH:mm:ss.SSSSSS", "d-MMM-yyyy h:mm:ss.SSSSSS a", "yyyyMMddTHHmmssSSSSSS"]),
)
def test_what_is_written_is_read_again(moment: datetime, pattern: str) -> None:
    said = Pattern(pattern).read(Pattern(pattern).write(moment))
    assert (said.day, said.time) == (moment.date(), moment.time())


async def test_now_has_the_day_in_vietnam() -> None:
    seen: list[tuple[str, bytes]] = []
    told = {"path": "/{now.date}/{date_text(now.iso, 'yyyy-MM-dd')}", "answer": {"ketQua": "answer.a"}}
    before = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()
    async with saying('{"a": "KHOP"}', seen) as url, opened("http", url, operations={"read": told}) as adapter:
        method = adapter.method("read")
        assert method
        assert await method({}, call()) == {"ketQua": "KHOP"}
    after = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()
    assert seen[0][0] in (f"/{before}/{before}", f"/{after}/{after}")
