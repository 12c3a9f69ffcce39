"""The people, enterprises and jobs of the sandbox: made from one fixed seed, the same in every server, in agreement.

A household is a couple, their children and the parents' names; everybody has a health card, most adults a job at one of
the enterprises, and each enterprise is represented by one of the adults. The known records of the documentation stand
first.
"""

import datetime
import random
from dataclasses import dataclass, field

from stdnum.vn import mst

from lgsp_adapters.sandbox import names

SEED = 20220205
"""The day of Quảng Ninh's resolution on digital transformation."""

CITIZENS = 2400
ENTERPRISES = 320


@dataclass(slots=True)
class Citizen:
    """One person. Relatives are personal identification numbers of other citizens, or empty."""

    number: str
    old_number: str
    name: str
    female: bool
    born: datetime.date
    ward: tuple[str, str]
    address: str
    ethnicity: str = "01"
    religion: str = "00"
    marital: str = "1"
    father: str = ""
    mother: str = ""
    spouse: str = ""
    head: str = ""
    year_only: bool = False
    card: str = ""
    card_until: datetime.date = datetime.date(2035, 12, 31)


@dataclass(slots=True)
class Enterprise:
    """One enterprise, represented by citizens."""

    code: str
    name: str
    foreign_name: str
    short_name: str
    kind: str
    status: str
    founded: datetime.date
    capital: int
    ward: tuple[str, str]
    address: str
    representatives: list[tuple[str, str]]
    activities: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Job:
    """Months in which an enterprise paid a citizen's social insurance; the last one is open when still employed."""

    citizen: str
    enterprise: str
    since: datetime.date
    until: datetime.date
    salary: int
    open: bool


@dataclass(slots=True)
class Province:
    """Everybody and everything."""

    citizens: dict[str, Citizen] = field(default_factory=dict)
    enterprises: dict[str, Enterprise] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)


def make() -> Province:
    """The province, always the same."""
    maker = _Maker()
    maker.known_family()
    while len(maker.province.citizens) < CITIZENS:
        maker.household()
    maker.known_enterprise()
    while len(maker.province.enterprises) < ENTERPRISES:
        maker.enterprise()
    maker.employ()
    return maker.province


class _Maker:
    def __init__(self) -> None:
        self.chance = random.Random(SEED)  # noqa: S311 - reproducible on purpose
        self.province = Province()
        self._serial = 2000
        self._card = 10_000_000

    def known_family(self) -> None:
        """Nguyễn Văn An, his wife, child and parents, and a grandmother whose papers give only the year of her birth."""
        home = (names.WARDS[0], "Tổ 3, khu 5, Phường Hồng Gai, Tỉnh Quảng Ninh")
        father = self._add("022065001232", "Nguyễn Văn Hùng", datetime.date(1965, 8, 20), home)
        mother = self._add("022168001233", "Lê Thị Hoa", datetime.date(1968, 3, 2), home)
        an = self._add("022093001234", "Nguyễn Văn An", datetime.date(1993, 5, 17), home, card="2293001234")
        wife = self._add("022195001235", "Trần Thị Bình", datetime.date(1995, 11, 9), home, card="2295001235")
        child = self._add("022220001236", "Nguyễn Minh Khôi", datetime.date(2020, 2, 29), home)
        grandmother = self._add("022142001231", "Phạm Thị Mận", datetime.date(1942, 1, 1), home)
        grandmother.year_only = True
        self._parents(father, None, grandmother)
        self._marry(father, mother)
        self._marry(an, wife)
        self._parents(an, father, mother)
        self._parents(child, an, wife)

    def household(self) -> None:
        """A couple and up to three children."""
        ward = self.chance.choice(names.WARDS)
        home = (ward, f"Số {self.chance.randint(1, 400)}, tổ {self.chance.randint(1, 12)}, {ward[1]}, Tỉnh Quảng Ninh")
        father = self._person(self._date(1950, 1998), False, home)
        mother = self._person(self._date(1952, 1999), True, home)
        self._marry(father, mother)
        ethnicity, religion = (
            self.chance.choice(("01", "01", "01", "09", "20", "02")),
            self.chance.choice(("00", "00", "00", "00", "01", "02")),
        )
        family = [father, mother]
        earliest = max(father.born.year, mother.born.year) + 20
        for _ in range(self.chance.randint(0, 3)):
            if earliest <= 2025:
                surname = father.name.split()[0]
                child = self._person(self._date(earliest, 2025), self.chance.random() < 0.49, home, surname)
                self._parents(child, father, mother)
                family.append(child)
        for citizen in family:
            citizen.ethnicity, citizen.religion = ethnicity, religion

    def known_enterprise(self) -> None:
        """The enterprise that Nguyễn Văn An represents."""
        self.province.enterprises["5700999001"] = Enterprise(
            code="5700999001",
            name="Công ty TNHH Du lịch Hạ Long Xanh",
            foreign_name="Ha Long Xanh Tourism Company Limited",
            short_name="HALOXA",
            kind="Công ty trách nhiệm hữu hạn một thành viên",
            status="NNT đang hoạt động",
            founded=datetime.date(2018, 3, 12),
            capital=5_000_000_000,
            ward=names.WARDS[0],
            address="Số 18 đường Lê Thánh Tông",
            representatives=[("Nguyễn Văn An", "Giám đốc")],
            activities=[names.BUSINESS[0][:2], names.BUSINESS[5][:2]],
        )

    def enterprise(self) -> None:
        """One more enterprise, with one to three representatives."""
        code = self._enterprise_code()
        activity = self.chance.choice(names.BUSINESS)
        proper = f"{self.chance.choice(names.BUSINESS_NAMES)} {len(self.province.enterprises)}"
        joint = self.chance.random() < 0.4
        kind = "Công ty cổ phần" if joint else "Công ty trách nhiệm hữu hạn một thành viên"
        adults = [citizen for citizen in self.province.citizens.values() if citizen.born.year < 2000]
        people = self.chance.sample(adults, self.chance.choice((1, 1, 1, 2, 3)))
        titles = ("Giám đốc", "Chủ tịch hội đồng quản trị", "Phó giám đốc")
        self.province.enterprises[code] = Enterprise(
            code=code,
            name=f"{'Công ty cổ phần' if joint else 'Công ty TNHH'} {activity[2]} {proper}",
            foreign_name="",
            short_name="",
            kind=kind,
            status=self.chance.choice(("NNT đang hoạt động",) * 8 + ("Tạm ngừng kinh doanh", "Đã giải thể")),
            founded=self._date(1995, 2024),
            capital=self.chance.randint(1, 500) * 100_000_000,
            ward=self.chance.choice(names.WARDS),
            address=f"Số {self.chance.randint(1, 400)} đường {self.chance.choice(names.BUSINESS_NAMES)}",
            representatives=[(person.name, title) for person, title in zip(people, titles, strict=False)],
            activities=[activity[:2], self.chance.choice(names.BUSINESS)[:2]],
        )

    def employ(self) -> None:
        """Give most adults a job."""
        codes = list(self.province.enterprises)
        self.province.jobs += [
            _job("022093001234", "5700999001", datetime.date(2018, 4, 1), True, 18_000_000),
            _job("022195001235", codes[1], datetime.date(2019, 6, 1), True, 12_500_000),
        ]
        for citizen in self.province.citizens.values():
            if 1966 <= citizen.born.year <= 2004 and citizen.number[-6:] > "002000" and self.chance.random() < 0.7:
                since = self._date(max(2005, citizen.born.year + 20), 2025).replace(day=1)
                salary = self.chance.randint(50, 400) * 100_000
                still = self.chance.random() < 0.85
                self.province.jobs.append(_job(citizen.number, self.chance.choice(codes), since, still, salary))

    def _person(
        self, born: datetime.date, female: bool, home: tuple[tuple[str, str], str], surname: str = ""
    ) -> Citizen:
        middle, given = (names.MIDDLE_FEMALE, names.GIVEN_FEMALE) if female else (names.MIDDLE_MALE, names.GIVEN_MALE)
        name = " ".join(
            (surname or self.chance.choice(names.FAMILY), self.chance.choice(middle), self.chance.choice(given))
        )
        self._serial += 1
        century_and_sex = (0 if born.year < 2000 else 2) + female
        return self._add(f"022{century_and_sex}{born.year % 100:02d}{self._serial:06d}", name, born, home)

    def _add(
        self, number: str, name: str, born: datetime.date, home: tuple[tuple[str, str], str], card: str = ""
    ) -> Citizen:
        self._card += 1
        expired = not card and self.chance.random() < 0.04 and number[-6:] > "002000"
        citizen = Citizen(
            number=number,
            old_number=f"10{number[-7:]}" if born.year < 2002 else "",
            name=name,
            female=number[3] in "13",
            born=born,
            ward=home[0],
            address=home[1],
            head=number,
            card=card or f"22{self._card:08d}",
        )
        if expired:
            citizen.card_until = datetime.date(2025, 12, 31)
        self.province.citizens[number] = citizen
        return citizen

    def _marry(self, husband: Citizen, wife: Citizen) -> None:
        husband.spouse, wife.spouse = wife.number, husband.number
        husband.marital = wife.marital = "2"
        wife.head = husband.number

    def _parents(self, child: Citizen, father: Citizen | None, mother: Citizen) -> None:
        child.father, child.mother = father.number if father else "", mother.number
        if father and child.born.year > 2000:
            child.head = father.number

    def _date(self, first: int, last: int) -> datetime.date:
        start = datetime.date(first, 1, 1)
        return start + datetime.timedelta(days=self.chance.randrange((datetime.date(last, 12, 31) - start).days))

    def _enterprise_code(self) -> str:
        while True:
            base = f"5700{self.chance.randrange(100_000):05d}"
            code = base + mst.calc_check_digit(base)
            if mst.is_valid(code) and code not in self.province.enterprises:
                return code


def _job(citizen: str, enterprise: str, since: datetime.date, still: bool, salary: int) -> Job:
    until = datetime.date(2026, 3, 1) if still else min(datetime.date(2025, 12, 1), since.replace(year=since.year + 2))
    return Job(citizen, enterprise, since, max(since, until), salary, still)
