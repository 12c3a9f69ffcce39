"""The sandbox's data in SQLite: one database a server, made once from the seed, each with what that system would know."""

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

import orjson

from lgsp_adapters.sandbox import people
from lgsp_adapters.sandbox.people import Citizen, Enterprise, Province

_SCHEMAS = {
    "population": "CREATE TABLE citizen (number TEXT PRIMARY KEY, old_number TEXT, name TEXT, born TEXT, record TEXT)",
    "enterprise-registry": "CREATE TABLE enterprise (code TEXT PRIMARY KEY, record TEXT)",
    "insurance": "CREATE TABLE insured (number TEXT PRIMARY KEY, record TEXT)",
}


def opened(server: str, folder: Path) -> sqlite3.Connection:
    """Return the database of a server, created where it is missing. It is read-only, as the national databases are here."""
    path = folder / f"{server}.sqlite"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _make(server, path)
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)


def _make(server: str, path: Path) -> None:
    """Write to another name and rename: a database is complete or absent."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    province = people.make()
    connection = sqlite3.connect(unfinished)
    with connection:
        connection.execute(_SCHEMAS[server])
        table = _SCHEMAS[server].split()[2]
        for row in _ROWS[server](province):
            connection.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)  # noqa: S608 - our own name
        if server == "population":
            connection.execute("CREATE INDEX by_old_number ON citizen (old_number)")
    connection.close()
    unfinished.rename(path)


def _citizens(province: Province) -> Iterable[tuple[str, ...]]:
    for citizen in province.citizens.values():
        record = _citizen(citizen, province)
        born = f"{citizen.born:%Y}" if citizen.year_only else f"{citizen.born:%Y%m%d}"
        yield citizen.number, citizen.old_number, citizen.name, born, orjson.dumps(record).decode()


def _citizen(citizen: Citizen, province: Province) -> dict[str, object]:
    relatives = {
        "Cha": citizen.father,
        "Me": citizen.mother,
        "VoChong": citizen.spouse,
        "ChuHo": citizen.head,
        "NguoiDaiDien": citizen.father if citizen.born.year > 2008 else "",
    }
    return {
        "sex": "2" if citizen.female else "1",
        "ethnicity": citizen.ethnicity,
        "religion": citizen.religion,
        "marital": citizen.marital,
        "ward": citizen.ward[0],
        "address": citizen.address,
        "birthplace": f"{citizen.ward[1]}, Tỉnh Quảng Ninh",
        "relatives": {
            tag: {"number": number, "name": province.citizens[number].name}
            for tag, number in relatives.items()
            if number
        },
    }


def _enterprises(province: Province) -> Iterable[tuple[str, ...]]:
    for enterprise in province.enterprises.values():
        yield enterprise.code, orjson.dumps(_enterprise(enterprise)).decode()


def _enterprise(enterprise: Enterprise) -> dict[str, object]:
    people_found = [{"FULL_NAME": name, "POSITION_NAME": title} for name, title in enterprise.representatives]
    return {
        "MainInformation": {
            "ENTERPRISE_ID": int(enterprise.code) % 1_000_000,
            "NAME": enterprise.name,
            "NAME_F": enterprise.foreign_name or None,
            "SHORT_NAME": enterprise.short_name or None,
            "ENTERPRISE_CODE": enterprise.code,
            "ENTERPRISE_GDT_CODE": enterprise.code,
            "ENTERPRISE_TYPE_NAME": enterprise.kind,
            "ENTERPRISE_STATUS": enterprise.status,
            "FOUNDING_DATE": f"{enterprise.founded:%d/%m/%Y}",
            "LEGAL_NAMES": ", ".join(name for name, _ in enterprise.representatives),
            "CAPITAL_AMOUNT": f"{enterprise.capital:,}".replace(",", "."),
        },
        "HOAdress": {
            "AddressFullText": enterprise.address,
            "CityName": "Tỉnh Quảng Ninh",
            "DistrictName": None,
            "WardName": enterprise.ward[1],
        },
        "Representatives": people_found[0] if len(people_found) == 1 else people_found,
        "BusinessActivity": [
            {"CODE": code, "NAME": name, "IS_MAIN": "Y" if position == 0 else "N"}
            for position, (code, name) in enumerate(dict(enterprise.activities).items())
        ],
    }


def _insured(province: Province) -> Iterable[tuple[str, ...]]:
    jobs: dict[str, list[people.Job]] = {}
    for job in province.jobs:
        jobs.setdefault(job.citizen, []).append(job)
    for citizen in (citizen for citizen in province.citizens.values() if not citizen.year_only):
        record = _insured_person(citizen, jobs.get(citizen.number, []), province)
        yield citizen.card, orjson.dumps(record).decode()


def _insured_person(citizen: Citizen, jobs: list[people.Job], province: Province) -> dict[str, object]:
    return {
        "hoTen": citizen.name,
        "ngaySinh": f"{citizen.born:%d/%m/%Y}",
        "gioiTinh": "Nữ" if citizen.female else "Nam",
        "diaChi": citizen.address,
        "maDKBD": "22" + citizen.ward[0][-3:],
        "cqBHXH": "Bảo hiểm xã hội tỉnh Quảng Ninh",
        "gtTheTu": "01/01/2023",
        "gtTheDen": f"{citizen.card_until:%d/%m/%Y}",
        "maKV": "K2" if citizen.ward[1].startswith("Xã") else "",
        "ngayDu5Nam": "01/01/2028",
        "maTheCu": f"{'DN4' if jobs else 'GD4'}22{citizen.card}",
        "trangThai": "1" if any(job.open for job in jobs) else "0",
        "tongSoThang": sum(_months(job) for job in jobs),
        "quaTrinh": [
            {
                "tuThang": f"{job.since:%m/%Y}",
                "denThang": f"{job.until:%m/%Y}",
                "maSoThue": job.enterprise,
                "donVi": province.enterprises[job.enterprise].name,
                "mucLuong": job.salary,
            }
            for job in jobs
        ],
    }


def _months(job: people.Job) -> int:
    return (job.until.year - job.since.year) * 12 + job.until.month - job.since.month + 1


_ROWS: dict[str, Callable[[Province], Iterable[tuple[str, ...]]]] = {
    "population": _citizens,
    "enterprise-registry": _enterprises,
    "insurance": _insured,
}
