"""The three national adapters against servers that speak their wire formats: translation, renewal, and every failure."""

from typing import Any

import aiohttp
import pytest
from support.national import CATALOG, National

from lgsp_adapters.adapter import Declared, UpstreamFailed, UpstreamLate
from lgsp_adapters.sandbox import people

AN = {"soDinhDanh": "022093001234", "hoVaTen": "Nguyễn Văn An", "ngaySinh": "1993-05-17"}
CARD = {"maTheBhyt": "2293001234", "hoVaTen": "Nguyễn Văn An", "ngaySinh": "1993-05-17"}
PROVINCE = people.make()
EXAMPLES = [
    pytest.param(contract.service, name, id=f"{contract.service}/{name}")
    for contract in CATALOG.values()
    if contract.provider.startswith("csdl-")
    for name in contract.operations
]


def one_question(national: National) -> tuple[str, dict[str, Any]]:
    name, operation = next(iter(CATALOG[national.service, 1].operations.items()))
    return name, operation.example.request


@pytest.mark.parametrize(("service", "operation"), EXAMPLES)
async def test_the_sandbox_knows_every_example(nationals: dict[str, National], service: str, operation: str) -> None:
    example = CATALOG[service, 1].operations[operation].example
    answer = await nationals[service].ask(operation, example.request)
    assert set(example.response) <= set(answer)


async def test_verify_citizen(population: National) -> None:
    wrong_name = {**AN, "hoVaTen": "Nguyễn Văn Bình"}
    by_old_number = {"soCmnd": "103001234", "hoVaTen": AN["hoVaTen"], "ngaySinh": "1993"}
    assert await population.ask("verify-citizen", AN) == {"tonTai": True}
    assert await population.ask("verify-citizen", {**AN, "hoVaTen": "NGUYỄN  VĂN AN"}) == {"tonTai": True}
    assert await population.ask("verify-citizen", by_old_number) == {"tonTai": True}
    assert await population.ask("verify-citizen", wrong_name) == {"tonTai": False}
    assert await population.ask("verify-citizen", {**AN, "ngaySinh": "1993-05-18"}) == {"tonTai": False}


async def test_a_name_with_markup_in_it_stays_a_name(population: National) -> None:
    name = "</ns:HoVaTen><ns:SoDinhDanh>1</ns:SoDinhDanh> & 'An'"
    assert await population.ask("verify-citizen", {**AN, "hoVaTen": name}) == {"tonTai": False}


async def test_lookup_citizen_translates_names_dates_and_codes(population: National) -> None:
    found = await population.ask("lookup-citizen", AN)
    assert found["hoVaTen"] == "Nguyễn Văn An"
    assert (found["gioiTinh"], found["ngaySinh"], found["danToc"]) == ("NAM", "1993-05-17", "Kinh")
    assert (found["tinhTrangHonNhan"], found["quocTich"]) == ("DA_KET_HON", "Việt Nam")
    assert found["cha"]["hoVaTen"] == "Nguyễn Văn Hùng"
    assert found["voChong"] == {"soDinhDanh": "022195001235", "hoVaTen": "Trần Thị Bình", "quocTich": "Việt Nam"}
    assert found["thuongTru"]["maTinh"] == "22"


async def test_a_birth_year_alone(population: National) -> None:
    asked = {"soDinhDanh": "022142001231", "hoVaTen": "Phạm Thị Mận", "ngaySinh": "1942"}
    assert (await population.ask("lookup-citizen", asked))["ngaySinh"] == "1942"


async def test_nobody_is_a_declared_error(population: National) -> None:
    with pytest.raises(Declared) as declared:
        await population.ask("lookup-citizen", {**AN, "soDinhDanh": "022093009999"})
    assert declared.value.code == "citizen-not-found"


@pytest.mark.parametrize(
    ("relation", "number", "name", "holds"),
    [
        ("VO_CHONG", "022195001235", "Trần Thị Bình", True),
        ("CHA", "022065001232", "Nguyễn Văn Hùng", True),
        ("ME", "022168001233", "lê thị hoa", True),
        ("CHA", "022195001235", "Trần Thị Bình", False),
        ("VO_CHONG", "022195001235", "Trần Thị Chi", False),
        ("NGUOI_DAI_DIEN", "022065001232", "Nguyễn Văn Hùng", False),
    ],
)
async def test_verify_relative(population: National, relation: str, number: str, name: str, holds: bool) -> None:
    stated = {"quanHe": relation, "soDinhDanh": number, "hoVaTen": name}
    assert await population.ask("verify-relative", {**AN, "nguoiThan": stated}) == {"dungQuanHe": holds}


async def test_every_citizen_keeps_the_contract(population: National) -> None:
    assert len(PROVINCE.citizens) > 400
    for citizen in list(PROVINCE.citizens.values())[::40]:
        born = f"{citizen.born:%Y}" if citizen.year_only else citizen.born.isoformat()
        asked = {"soDinhDanh": citizen.number, "hoVaTen": citizen.name, "ngaySinh": born}
        assert (await population.ask("lookup-citizen", asked))["soDinhDanh"] == citizen.number


async def test_one_representative_and_several_are_both_a_list(enterprises: National) -> None:
    asked_for = list(PROVINCE.enterprises.values())[::8]
    assert {1, 2} <= {len(enterprise.representatives) for enterprise in asked_for}
    for enterprise in asked_for:
        found = await enterprises.ask("lookup-enterprise", {"maSoDoanhNghiep": enterprise.code})
        assert [person["hoVaTen"] for person in found["nguoiDaiDien"]] == [
            name for name, _ in enterprise.representatives
        ]
        assert found["vonDieuLe"] == enterprise.capital
        assert found["ngayThanhLap"] == enterprise.founded.isoformat()


async def test_no_enterprise_is_a_declared_error(enterprises: National) -> None:
    with pytest.raises(Declared) as declared:
        await enterprises.ask("lookup-enterprise", {"maSoDoanhNghiep": "5700100009"})
    assert declared.value.code == "enterprise-not-found"


async def test_check_health_card(insurance: National) -> None:
    valid = await insurance.ask("check-health-card", CARD)
    assert (valid["hopLe"], valid["maKetQua"], valid["maSoBhxh"]) == (True, "000", "2293001234")
    assert (valid["giaTriTu"], valid["giaTriDen"]) == ("2023-01-01", "2035-12-31")
    old_form = await insurance.ask("check-health-card", {**CARD, "maTheBhyt": "DN4222293001234"})
    assert old_form["hopLe"]
    wrong_name = await insurance.ask("check-health-card", {**CARD, "hoVaTen": "Nguyễn Văn Bình"})
    assert (wrong_name["hopLe"], wrong_name["maKetQua"]) == (False, "060")
    assert "maSoBhxh" not in wrong_name
    nobody = await insurance.ask("check-health-card", {**CARD, "maTheBhyt": "2299999999"})
    assert (nobody["hopLe"], nobody["maKetQua"]) == (False, "050")
    lapsed = next(citizen for citizen in PROVINCE.citizens.values() if citizen.card_until.year == 2025)
    asked = {"maTheBhyt": lapsed.card, "hoVaTen": lapsed.name, "ngaySinh": lapsed.born.isoformat()}
    assert (await insurance.ask("check-health-card", asked))["maKetQua"] == "010"


async def test_lookup_participation(insurance: National) -> None:
    found = await insurance.ask("lookup-participation", {"maSoBhxh": "2293001234"})
    assert (found["trangThai"], found["tongSoThang"]) == ("DANG_THAM_GIA", 96)
    assert found["quaTrinh"][0]["tuThang"] == "2018-04"
    with pytest.raises(Declared):
        await insurance.ask("lookup-participation", {"maSoBhxh": "2299999999"})


async def test_the_three_databases_agree() -> None:
    assert len(PROVINCE.citizens) >= 2000
    assert len(PROVINCE.enterprises) >= 300
    assert sum(not citizen.year_only for citizen in PROVINCE.citizens.values()) >= 2000
    for job in PROVINCE.jobs:
        assert job.citizen in PROVINCE.citizens
        assert job.enterprise in PROVINCE.enterprises
    names = {citizen.name for citizen in PROVINCE.citizens.values()}
    for enterprise in PROVINCE.enterprises.values():
        assert all(name in names for name, _ in enterprise.representatives)
    for citizen in PROVINCE.citizens.values():
        for relative in (citizen.father, citizen.mother, citizen.spouse, citizen.head):
            assert not relative or relative in PROVINCE.citizens
    assert people.make() == PROVINCE


async def test_a_slow_system_is_late(any_national: National) -> None:
    await any_national.tell(delayMs=5000)
    with pytest.raises(UpstreamLate):
        await any_national.ask(*one_question(any_national), seconds=0.3)


SOAP = "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><x>&e;</x></s:Body></s:Envelope>"
GARBAGE = {
    "html": "<html><body>Bảo trì hệ thống</body></html>",
    "empty": "",
    "null": "null",
    "list": "[]",
    "object": "{}",
    "odd": '{"MainInformation": 3}',
    "binary": "\x00\xff" * 100,
    "external entity": f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{SOAP}',
    "bomb": f'<!DOCTYPE x [<!ENTITY a "{"a" * 99}"><!ENTITY b "{"&a;" * 99}"><!ENTITY e "{"&b;" * 99}">]>{SOAP}',
    "five megabytes": "x",
}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_garbage_is_unintelligible(any_national: National, kind: str) -> None:
    await any_national.tell(garbage=GARBAGE[kind], times=5_000_000 if kind == "five megabytes" else 1)
    with pytest.raises(UpstreamFailed):
        await any_national.ask(*one_question(any_national))
    await any_national.tell()
    assert await any_national.ask(*one_question(any_national))


@pytest.mark.parametrize("faults", [{"status": 500}, {"status": 403}, {"status": 302}, {"drop": True}], ids=str)
async def test_a_failing_system_is_a_failure(any_national: National, faults: dict[str, Any]) -> None:
    await any_national.tell(**faults)
    with pytest.raises(UpstreamFailed):
        await any_national.ask(*one_question(any_national))


async def test_forgotten_tokens_are_taken_anew(any_national: National) -> None:
    assert await any_national.ask(*one_question(any_national))
    await any_national.tell(expireTokens=True)
    assert await any_national.ask(*one_question(any_national))


@pytest.mark.parametrize(
    ("service", "credential"),
    [
        ("population", "secret"),
        ("population", "api-key"),
        ("enterprise-registry", "secret-key"),
        ("insurance", "password"),
    ],
)
async def test_wrong_credentials_are_refused(nationals: dict[str, National], service: str, credential: str) -> None:
    right = nationals[service]
    wrong = await right.otherwise(**{credential: "wrong"})
    with pytest.raises(UpstreamFailed) as failed:
        await wrong.ask(*one_question(right))
    await wrong.adapter.close()
    assert failed.value.why == "refused"
    assert "wrong" not in failed.value.private


async def test_a_system_that_is_down_is_unreachable(nationals: dict[str, National]) -> None:
    assert len(nationals) == 3
    for right in nationals.values():
        wrong = await right.otherwise(url="http://127.0.0.1:9")
        with pytest.raises(UpstreamFailed) as failed:
            await wrong.ask(*one_question(right))
        await wrong.adapter.close()
        assert failed.value.why == "unreachable"


async def test_the_sandbox_refuses_as_the_real_ones_do(nationals: dict[str, National]) -> None:
    async with aiohttp.ClientSession() as session:
        soap = {"Content-Type": "text/xml", "SOAPAction": '""'}
        async with session.post(f"{nationals['population'].url}/dancuquocgia", data=b"<x/>", headers=soap) as answer:
            assert answer.status == 500
            assert "soapenv:Client" in await answer.text()
        url = nationals["enterprise-registry"].url
        async with session.post(f"{url}/dkdn/chiTietDoanhNghiep", json={"msdn": "5700999001"}) as answer:
            assert (answer.status, (await answer.json())["error_code"]) == (200, "101")
        url = nationals["insurance"].url
        async with session.post(f"{url}/api/egw/KQNhanLichSuKCB2024?token=x", json={}) as answer:
            assert (answer.status, (await answer.json())["maKetQua"]) == (200, "401")
