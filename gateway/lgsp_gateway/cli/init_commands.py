"""`lgsp init`: the files of a new bus in production, from a few answers."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lgsp_contracts.cli.terminal import err, language, out
from lgsp_contracts.file_references import parse_size
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.operate.bootstrap import new_bus_files
from lgsp_gateway.operate.bootstrap.invitation_file import Invitation
from lgsp_gateway.operate.bootstrap.new_bus import NATS_PORT, NewAgency, NewBus, TlsPaths, read_agencies
from lgsp_gateway.operate.bootstrap.server_certificate import check_server_certificate
from lgsp_gateway.operate.nats_config import Address
from lgsp_problems import CannotStart, Text

_HTTPS_PORT = 443
_REASON = "lgsp init"
_Several = Annotated[tuple[str, ...], Parameter(negative="")]


def init(
    *,
    domain: str = "",
    agency: _Several = (),
    agencies: Path | None = None,
    operator: _Several = (),
    max_storage: str = "",
    public_url: str = "",
    nats: _Several = (),
    listen: str = "",
    to: Path = Path("/etc/lgsp"),
    state: Path = Path("/var/lib/lgsp"),
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    tls_ca: Path | None = None,
    behind_proxy: bool = False,
    shipped_contracts: bool = False,
    break_glass: str = "",
    dry_run: bool = False,
) -> None:
    """Make the files of a new bus: keys, configuration, registry, NATS, and invitations of the first operators.

    What is not given is asked for, if there is a terminal. The invitations take effect when the first gateway starts:
    `lgsp operators show` prints them.

    Parameters
    ----------
    domain
        The domain of the instance, such as lgsp.quangninh.gov.vn. It names the logs of the evidence for ever.
    agency
        An agency, CODE=TITLE or CODE=TITLE=ENGLISH_TITLE; may be given several times.
    agencies
        A CSV file of agencies: code, title, English title.
    operator
        An operator, USER=AGENCY=NAME; two at least.
    max_storage
        How much each NATS server may store, such as 200GiB: what its disk can give, less a margin.
    public_url
        The URL under which callers reach the bus; by default https:// and the domain.
    nats
        The NATS servers: none for one on this machine, or three or five, each on a machine of its own, such as nats-1.lgsp.quangninh.gov.vn.
    listen
        Where gateways listen; by default 0.0.0.0:443, behind a proxy 127.0.0.1:8080.
    to
        The folder of the configuration.
    state
        The folder of what processes write.
    tls_cert
        The certificate of each machine, with its chain; by default TO/tls/cert.pem.
    tls_key
        Its private key; by default TO/tls/key.pem.
    tls_ca
        The authorities of the NATS servers; by default TO/tls/ca.pem.
    behind_proxy
        A reverse proxy on the same machine terminates TLS.
    shipped_contracts
        Begin with the contracts of national and provincial systems that come with lgsp; without it the catalogue begins empty.
    break_glass
        Make a system of this name with the role of an operator, for emergencies, with its key.
    dry_run
        Show each file and document, and write nothing.
    """
    domain = domain or _ask("Tên miền của trục", "Domain of the instance", "lgsp.quangninh.gov.vn", "--domain")
    found = [NewAgency.parse(text) for text in agency] + (read_agencies(agencies) if agencies else [])
    found = found or [NewAgency.parse(text) for text in _ask_several(_AGENCY, "H49=UBND tỉnh Quảng Ninh", "--agency")]
    operators = list(operator) or _ask_several(_OPERATOR, "tran.thi.b=H49=Trần Thị B", "--operator")
    servers = nats or ("127.0.0.1",)
    bus = NewBus(
        root=to.absolute(),
        state=state.absolute(),
        domain=domain,
        public_url=public_url or f"https://{domain}",
        listen=Address.parse(listen or ("127.0.0.1:8080" if behind_proxy else "0.0.0.0:443"), _HTTPS_PORT),
        agencies=tuple(found),
        nats=tuple(Address.parse(server, NATS_PORT) for name in servers for server in name.split(",")),
        max_storage=_size(max_storage or _ask(*_STORAGE, "200GiB", "--max-storage")),
        invitation=Invitation.new(operators, _REASON),
        tls=_tls(to.absolute(), tls_cert, tls_key, tls_ca),
        proxied=behind_proxy,
        shipped_contracts=shipped_contracts,
        break_glass=break_glass,
    )
    if bus.serves_tls and bus.tls.certificate.exists():
        check_server_certificate(bus.tls.certificate, bus.public_url)
    files = new_bus_files.plan(bus)
    if not dry_run:
        new_bus_files.write(bus, files)
    for file in files:
        out(f"{file.path}\n    {Text(file.vi, file.en).in_language(language())}\n")
        if dry_run and file.shown:
            out("".join(f"    | {line}\n" for line in file.shown.splitlines()))
    _print_next(bus, dry_run=dry_run)


_AGENCY = ("Cơ quan (MÃ=TÊN=TÊN_TIẾNG_ANH)", "Agency (CODE=TITLE=ENGLISH_TITLE)")
_OPERATOR = (
    "Người vận hành (TÊN_ĐĂNG_NHẬP=MÃ_CƠ_QUAN=HỌ_TÊN), ít nhất hai",
    "Operator (USER=AGENCY=NAME), two at least",
)
_STORAGE = ("Dung lượng mỗi máy chủ NATS được dùng", "How much each NATS server may store")


def _print_next(bus: NewBus, *, dry_run: bool) -> None:
    if dry_run:
        out(localized("chưa ghi gì (--dry-run)\n", "nothing was written (--dry-run)\n"))
        return
    files = [bus.tls.certificate, bus.tls.key] if bus.serves_tls or not bus.nats_is_local else []
    files += [] if bus.nats_is_local else [bus.tls.authorities]
    missing = ", ".join(str(file) for file in files if not file.exists())
    if missing:
        out(localized(f"Cần có trước khi khởi động: {missing}\n", f"Needed before the start: {missing}\n"))
    out(
        localized(
            "Tiếp theo: lgsp install (systemd), rồi lgsp operators show để lấy liên kết của những người vận hành đầu tiên.\n",
            "Next: lgsp install (systemd), then lgsp operators show for the links of the first operators.\n",
        )
    )


def _ask(vi: str, en: str, example: str, flag: str) -> str:
    """Ask for one thing at the terminal.

    Raises:
        Refusal: `cannot-start`, where there is none, or no answer.
    """
    answer = ""
    if sys.stdin.isatty():
        err(f"{localized(vi, en)} [{example}]: ")
        answer = sys.stdin.readline().strip()
    if not answer:
        raise CannotStart(
            vi=f"Còn thiếu {flag} ({vi.lower()}), ví dụ {flag} '{example}'; hãy bổ sung.",
            en=f"{flag} is missing ({en.lower()}), such as {flag} '{example}'; add it.",
        )
    return answer


def _ask_several(words: tuple[str, str], example: str, flag: str) -> list[str]:
    """Ask until an empty line is given."""
    answers = [_ask(*words, example, flag)]
    while True:
        err(f"{localized(*words)} [{localized('Enter để kết thúc', 'Enter to end')}]: ")
        answer = sys.stdin.readline().strip()
        if not answer:
            return answers
        answers.append(answer)


def _tls(root: Path, certificate: Path | None, key: Path | None, authorities: Path | None) -> TlsPaths:
    folder = root / "tls"
    return TlsPaths(
        (certificate or folder / "cert.pem").absolute(),
        (key or folder / "key.pem").absolute(),
        (authorities or folder / "ca.pem").absolute(),
    )


def _size(text: str) -> int:
    size = parse_size(text)
    if not size:
        raise CannotStart(
            vi=f"“{text}” không phải là dung lượng; hãy viết như 200GiB.",
            en=f'"{text}" is no size; write it as in 200GiB.',
        )
    return size
