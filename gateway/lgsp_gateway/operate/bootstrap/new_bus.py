"""What has to be known of a bus before it exists: `lgsp init` asks for it, and refuses what would only fail when the bus runs."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lgsp_contracts import names
from lgsp_contracts.names import AgencyCode
from lgsp_gateway.evidence.verify.origins import parse_domain
from lgsp_gateway.operate.bootstrap.bus_identity import parse_public_url
from lgsp_gateway.operate.bootstrap.invitation_file import Invitation
from lgsp_gateway.operate.nats_config import Address, Cluster
from lgsp_problems import CannotStart
from lgsp_runtime.loopback import is_loopback

NATS_PORT = 4222
CLUSTER_PORT = 6222
MIN_OPERATORS = 2
"""What concerns personal data is approved by two persons."""


@dataclass(frozen=True, slots=True)
class NewAgency:
    """An agency that the registry begins with: its code, and its title in two languages."""

    code: AgencyCode
    vi: str
    en: str

    @classmethod
    def parse(cls, text: str) -> "NewAgency":
        """Read `CODE=TITLE` or `CODE=TITLE=ENGLISH TITLE`.

        Raises:
            Refusal: `malformed` or `cannot-start`.
        """
        code, _, titles = text.partition("=")
        vi, _, en = titles.partition("=")
        if not vi.strip():
            raise CannotStart(
                vi=f"“{text[:80]}” không nêu tên cơ quan; hãy viết MÃ=TÊN=TÊN_TIẾNG_ANH, ví dụ H49.12=Trung tâm Phục vụ hành chính công tỉnh.",
                en=f'"{text[:80]}" has no title of an agency; write CODE=TITLE=ENGLISH_TITLE, such as H49.12=Trung tâm Phục vụ hành chính công tỉnh.',
            )
        return cls(names.agency_code(code.strip()), vi.strip(), en.strip() or vi.strip())

    def document(self) -> dict[str, object]:
        """Return it as the registry has it."""
        spec = {"title": {"vi": self.vi, "en": self.en}}
        return {"apiVersion": "lgsp/v1", "kind": "Agency", "metadata": {"name": self.code}, "spec": spec}


def read_agencies(file: Path) -> list[NewAgency]:
    """Read agencies from a CSV file: code, title, and title in English if it has one; a first line of headings is passed over.

    Raises:
        Refusal: `malformed` or `cannot-start`.
    """
    try:
        rows = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    except (OSError, ValueError, csv.Error) as error:
        raise CannotStart(
            vi=f"Không đọc được danh sách cơ quan {file}; hãy kiểm tra đường dẫn, và lưu tệp ở dạng CSV (UTF-8).",
            en=f"Cannot read the list of agencies in {file}; check its path, and save it as CSV in UTF-8.",
        ) from error
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if rows and not any(character.isdigit() for character in rows[0][0]):
        rows = rows[1:]
    return [NewAgency.parse("=".join(row[:3])) for row in rows]


@dataclass(frozen=True, slots=True)
class TlsPaths:
    """Where each machine keeps its certificate, the key of it, and the authorities of the province."""

    certificate: Path
    key: Path
    authorities: Path


@dataclass(frozen=True, slots=True)
class NewBus:
    """A bus that is to be made.

    Args:
        root: the folder of its configuration, such as /etc/lgsp.
        state: the folder of what processes write, such as /var/lib/lgsp.
        domain: of the instance; the origins of its logs begin with it for ever.
        public_url: under which callers reach it.
        listen: where its gateways listen.
        nats: where its NATS servers are: one, three or five.
        max_storage: how many bytes each of them may store.
        invitation: the first operators.
        proxied: a reverse proxy terminates TLS before the gateways.
        shipped_contracts: begin with the contracts that come with lgsp.
        break_glass: the name of a system with the role of an operator, for emergencies; "" for none.
    """

    root: Path
    state: Path
    domain: str
    public_url: str
    listen: Address
    agencies: tuple[NewAgency, ...]
    nats: tuple[Address, ...]
    max_storage: int
    invitation: Invitation
    tls: TlsPaths
    proxied: bool = False
    shipped_contracts: bool = False
    break_glass: str = ""

    def __post_init__(self) -> None:
        """Refuse what would only fail once the bus runs.

        Raises:
            Refusal: `cannot-start` or `malformed`.
        """
        parse_domain(self.domain)
        url = urlsplit(parse_public_url(self.public_url))
        if url.scheme != "https" and not is_loopback(url.hostname or ""):
            raise CannotStart(
                vi=f"{self.public_url}: trục được gọi từ máy khác phải dùng https; hãy viết https://{url.netloc}.",
                en=f"{self.public_url}: a bus that other machines call takes https; write https://{url.netloc}.",
            )
        self._check_agencies()
        if len(self.nats) > 1:
            Cluster("lgsp", self.nats[0], self.nats)  # says why two or four are no cluster
            if len({server.host for server in self.nats}) < len(self.nats):
                raise CannotStart(
                    vi="Mỗi máy chủ NATS của cụm phải ở một máy riêng; hãy nêu mỗi máy một lần trong --nats.",
                    en="Each NATS server of a cluster is on a machine of its own; name each machine once in --nats.",
                )

    @property
    def nats_store(self) -> Path:
        """Return the folder of NATS's storage, which is of another user: /var/lib/lgsp-nats beside /var/lib/lgsp."""
        return self.state.with_name(f"{self.state.name}-nats")

    @property
    def nats_is_local(self) -> bool:
        """Tell whether the only NATS server is on this machine and listens to nobody else."""
        return len(self.nats) == 1 and is_loopback(self.nats[0].host)

    @property
    def nats_url(self) -> str:
        """Return the addresses of the NATS servers, as settings take them."""
        scheme = "nats" if self.nats_is_local else "tls"
        return ",".join(f"{scheme}://{server}" for server in self.nats)

    @property
    def serves_tls(self) -> bool:
        """Tell whether gateways serve HTTPS themselves."""
        return self.public_url.startswith("https://") and not self.proxied

    def _check_agencies(self) -> None:
        codes = [agency.code for agency in self.agencies]
        doubled = sorted({code for code in codes if codes.count(code) > 1})
        if not codes or doubled:
            raise CannotStart(
                vi=f"Cơ quan {', '.join(doubled)} được nêu hai lần; hãy bỏ bớt một." if doubled else "Chưa có cơ quan nào; hãy nêu --agency hoặc --agencies.",
                en=f"The agency {', '.join(doubled)} is named twice; leave one out." if doubled else "There is no agency yet; name them with --agency or --agencies.",
            )  # fmt: skip
        operators = self.invitation.operators
        if len(operators) < MIN_OPERATORS:
            raise CannotStart(
                vi="Trục cần ít nhất hai người vận hành, vì việc liên quan đến dữ liệu cá nhân phải do hai người duyệt; hãy nêu --operator hai lần.",
                en="A bus takes at least two operators, since two persons approve what concerns personal data; give --operator twice.",
            )
        unknown = sorted({one.agency for one in operators} - set(codes))
        if unknown:
            raise CannotStart(
                vi=f"Người vận hành thuộc cơ quan {', '.join(unknown)} chưa được nêu; hãy thêm --agency cho cơ quan đó.",
                en=f"An operator is of the agency {', '.join(unknown)}, which is not named; add an --agency for it.",
            )
