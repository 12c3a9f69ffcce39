"""What the province's own offices hold in the sandbox: tables of the land and personnel databases, and records that their REST
systems answer with. Made from the same people as the national databases, so that all of them agree.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lgsp_adapters.sandbox.people import SEED, Citizen, Province

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: how it is made, in the SQL that all databases share, and what is in it."""

    name: str
    columns: str
    rows: list[Row]

    @property
    def create(self) -> str:
        """The statement that makes it."""
        return f"CREATE TABLE {self.name} ({self.columns})"

    @property
    def width(self) -> int:
        """How many columns it has."""
        return len(self.rows[0]) if self.rows else 0


_BIRTHS = (
    "id INTEGER PRIMARY KEY, so_dang_ky VARCHAR(40) UNIQUE, ngay_dang_ky VARCHAR(10), noi_dang_ky VARCHAR(300),"
    " so_dinh_danh VARCHAR(12), ho_ten VARCHAR(120), ngay_sinh VARCHAR(10), gioi_tinh VARCHAR(8), noi_sinh VARCHAR(300),"
    " me_ho_ten VARCHAR(120), me_so_dinh_danh VARCHAR(12), cha_ho_ten VARCHAR(120), cha_so_dinh_danh VARCHAR(12),"
    " cap_nhat VARCHAR(19) NOT NULL"
)
_CHILDREN = (
    "so_dang_ky VARCHAR(40) PRIMARY KEY, so_dinh_danh VARCHAR(12), ho_ten VARCHAR(120), ngay_sinh VARCHAR(10),"
    " gioi_tinh VARCHAR(8), ho_ten_me VARCHAR(120)"
)


def tables(province: Province) -> dict[str, list[Table]]:
    """The databases of the offices, by service."""
    return {
        "land-parcels": _land(province),
        "civil-servants": [_servants(province)],
        "civil-registration": [Table("khai_sinh", _BIRTHS, [])],
        "vaccination": [Table("tre_em", _CHILDREN, [])],
    }


def _adults(province: Province) -> Iterator[Citizen]:
    return (citizen for citizen in province.citizens.values() if not citizen.year_only and citizen.born.year < 2000)


def _land(province: Province) -> list[Table]:
    chance = random.Random(SEED)  # noqa: S311 - reproducible on purpose
    parcels: list[Row] = []
    owners: list[Row] = []
    counts: dict[str, int] = {}
    known = province.citizens["022093001234"]
    for citizen in [
        known,
        *(
            neighbour
            for neighbour in _adults(province)
            if known.number not in (neighbour.number, neighbour.spouse) and neighbour.number[-1] in "13579"
        ),
    ]:
        ward = citizen.ward[0]
        counts[ward] = number = counts.get(ward, 0) + 1
        area = 120.5 if citizen is known else round(chance.uniform(30, 900), 1)
        kind = "ODT" if citizen.ward[1].startswith("Phường") else chance.choice(("ONT", "CLN", "LUC"))
        issued = f"{chance.randint(2004, 2024)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        issued = "2019-06-01" if citizen is known else issued
        key = len(parcels) + 1
        parcels.append(
            (
                key,
                ward,
                (number - 1) // 100 + 1,
                (number - 1) % 100 + 1,
                area,
                kind,
                citizen.address,
                f"CS {key:06}",
                issued,
            )
        )
        owners.append((key, citizen.name, citizen.number))
        if citizen.spouse and citizen is not known:
            owners.append((key, province.citizens[citizen.spouse].name, citizen.spouse))
    parcel_columns = (
        "id INTEGER PRIMARY KEY, ma_xa VARCHAR(5), so_to INTEGER, so_thua INTEGER, dien_tich NUMERIC(10, 1), "
    )
    parcel_columns += "loai_dat VARCHAR(3), dia_chi VARCHAR(300), so_giay VARCHAR(30), ngay_cap VARCHAR(10)"
    owner = "thua_dat_id INTEGER, ho_ten VARCHAR(120), so_dinh_danh VARCHAR(12)"
    return [Table("thua_dat", parcel_columns, parcels), Table("chu_su_dung", owner, owners)]


def _servants(province: Province) -> Table:
    chance = random.Random(SEED)  # noqa: S311 - reproducible on purpose
    offices = ("Sở Nội vụ", "Sở Tài chính", "Sở Y tế", "Sở Xây dựng", "Sở Tư pháp", "Sở Giáo dục và Đào tạo")
    rows: list[Row] = [
        ("022093001234", "Nguyễn Văn An", "Sở Văn hóa, Thể thao và Du lịch", "Chuyên viên", "01.003", "01/09/2016", "3")
    ]
    for citizen in list(_adults(province))[10::6]:
        hired = f"{chance.randint(1, 28):02}/{chance.randint(1, 12):02}/{min(2025, citizen.born.year + chance.randint(22, 30))}"
        state = "2" if citizen.born.year < 1965 else "1"
        title = chance.choice(("Chuyên viên", "Chuyên viên chính", "Phó trưởng phòng", "Trưởng phòng"))
        rows.append(
            (
                citizen.number,
                citizen.name,
                chance.choice(offices),
                title,
                chance.choice(("01.002", "01.003")),
                hired,
                state,
            )
        )
    columns = "so_cccd VARCHAR(12) PRIMARY KEY, ho_ten VARCHAR(120), don_vi VARCHAR(200), chuc_vu VARCHAR(100), "
    columns += "ma_ngach VARCHAR(10), ngay_tuyen_dung VARCHAR(10), tinh_trang VARCHAR(1)"
    return Table("can_bo", columns, rows)


def patient(citizen: Citizen) -> dict[str, Any]:
    """The summary of a health record, as that system tells it."""
    chance = random.Random(citizen.number)  # noqa: S311
    known = citizen.number == "022093001234"
    chronic = [{"code": "I10", "name": "Tăng huyết áp vô căn"}, {"code": "E11.9", "name": "Đái tháo đường típ 2"}]
    return {
        "patientId": citizen.number,
        "fullName": citizen.name,
        "bloodType": "O+" if known else chance.choice(("A+", "B+", "O+", "AB+", "O-")),
        "allergies": ["Penicillin"] if known or chance.random() < 0.1 else None,
        "conditions": chronic[:1] if known else chance.sample(chronic, chance.choice((0, 0, 0, 1, 2))),
        "lastVisit": "02/03/2026" if known else f"{chance.randint(1, 28):02}/{chance.randint(1, 12):02}/2025",
    }


SUBJECTS = (
    "Toán",
    "Ngữ văn",
    "Tiếng Anh",
    "Vật lí",
    "Hóa học",
    "Sinh học",
    "Lịch sử",
    "Địa lí",
    "Tin học",
    "Công nghệ",
)


def results(citizen: Citizen, year: str) -> list[dict[str, Any]]:
    """A pupil's results in a school year, both terms of each subject."""
    chance = random.Random(citizen.number + year)  # noqa: S311
    terms = [f"{subject} (học kỳ {term})" for subject in SUBJECTS for term in ("I", "II")]
    marks = [{"subject": name, "mark": round(chance.uniform(4, 10), 1)} for name in ("Toán", "Ngữ văn", *terms)]
    if citizen.number == "022220001236":
        marks[0]["mark"], marks[1]["mark"] = 8.5, 7.5
    return marks


PERMIT_HEADING = ("Số giấy phép", "Chủ đầu tư", "Địa điểm xây dựng", "Số tầng", "Ngày cấp", "Tình trạng")


def permits(province: Province) -> list[tuple[str, ...]]:
    """The register of construction permits, as the department exports it."""
    chance = random.Random(SEED)  # noqa: S311 - reproducible on purpose
    known = province.citizens["022093001234"]
    rows: list[tuple[str, ...]] = [("1/2024/GPXD", known.name, known.address, "3", "15/03/2024", "Còn hiệu lực")]
    for number, citizen in enumerate(list(_adults(province))[::5], 2):
        issued = f"{chance.randint(1, 28):02}/{chance.randint(1, 12):02}/2024"
        state = chance.choice(("Còn hiệu lực", "Còn hiệu lực", "Hết hiệu lực", "Thu hồi"))
        rows.append((f"{number}/2024/GPXD", citizen.name, citizen.address, str(chance.randint(1, 7)), issued, state))
    return rows
