"""The configuration of HAProxy before several gateways.

Gateways that share a port by SO_REUSEPORT get connections from the kernel even while they are stopped. A load balancer asks each one
whether it answers, and knows what it may send again: nothing that a gateway may have read.
"""

from dataclasses import dataclass
from pathlib import Path

import orjson

from lgsp_gateway.operate.nats_config import Address
from lgsp_problems import CODES, CannotStart, Text

CHECK_MILLISECONDS = 200
"""Between two health checks of a gateway, and for the answer to one."""

CHECKS_TO_MARK_DOWN = 3
"""So many unanswered checks, 0.6 seconds, mean that a gateway has stopped."""

CONNECT_MILLISECONDS = 300
"""For a connection to a gateway, which is in the same data centre. Another gateway is tried then."""

LONGEST_ANSWER_MINUTES = 10
"""For a gateway to send something: longer than any contract lets a provider take, and than the silence of an event stream."""

IDLE_SECONDS = 130
"""Between two requests of a client: longer than gateways and common clients keep a connection."""


@dataclass(frozen=True, slots=True)
class ClientTls:
    """The TLS of clients.

    Args:
        certificate: certificate, chain and private key in one PEM file, as HAProxy takes it.
    """

    certificate: Path


@dataclass(frozen=True, slots=True)
class HaproxyConfig:
    """HAProxy before the gateways of a bus.

    Args:
        listen: where clients reach it.
        gateways: where the gateways listen.
        tls: of clients; None for plain HTTP on this machine.
        gateway_authorities: who vouches for the certificates of the gateways; None for plain HTTP.
        log: where HAProxy logs, as its `log` takes it.
    """

    listen: Address
    gateways: tuple[Address, ...]
    tls: ClientTls | None = None
    gateway_authorities: Path | None = None
    log: str = "/dev/log local0"

    def __post_init__(self) -> None:
        """Refuse a single gateway, which needs no load balancer, and one that is named twice."""
        if len(set(self.gateways)) < max(2, len(self.gateways)):
            raise CannotStart(
                vi="HAProxy phân tải cho từ hai gateway trở lên; hãy nêu địa chỉ của mỗi gateway bằng một --gateway, mỗi địa chỉ một lần.",
                en="HAProxy balances two or more gateways; name the address of each with --gateway, each once.",
            )

    def text(self) -> str:
        """Write the file, which holds no secret."""
        sections = (
            _DEFAULTS.replace(_LOG, self.log),
            self._frontend(),
            self._backend("gateways", "/readyz"),
            self._backend("alive", "/livez"),
        )
        return "\n".join(sections)

    def _frontend(self) -> str:
        tls = f" ssl crt {_quoted(self.tls.certificate)} alpn h2,http/1.1 ssl-min-ver TLSv1.2" if self.tls else ""
        scheme = "https" if self.tls else "http"
        return f"""\
frontend bus
    bind {self.listen}{tls}
    # Gateways take the address of a client from here where they are started with --load-balancers ADDRESS-OF-HAPROXY.
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto {scheme}
    # Each gateway has metrics of its own: Prometheus reads them from each one. Gateways decode paths, so /%6Detrics is the same one.
    http-request deny status 404 if {{ path,url_dec -m str /metrics }}
    # Where no gateway is ready, as without NATS, one that is alive says why, and answers what it can from memory.
    use_backend alive if {{ nbsrv(gateways) eq 0 }}
    default_backend gateways
"""

    def _backend(self, name: str, check: str) -> str:
        lines = [
            f"backend {name}",
            "    balance leastconn",
            "    option httpchk",
            f"    http-check send meth GET uri {check} ver HTTP/1.1 hdr Host {self.gateways[0].host}",
            "    # A gateway that says that it is not ready, as while it stops, gets no further requests and finishes those that it has.",
            "    # One that does not answer at all has its requests broken off: their outcome is unknown, and nobody waits for them.",
            "    http-check expect status 200 error-status L7OKC",
            f"    default-server check inter {CHECK_MILLISECONDS}ms fall {CHECKS_TO_MARK_DOWN} rise 1 on-marked-down shutdown-sessions{self._tls_of_gateways()}",
        ]
        for number, gateway in enumerate(self.gateways, 1):
            named = f" sni str({gateway.host}) check-sni {gateway.host} verifyhost {gateway.host}"
            lines.append(f"    server gateway-{number} {gateway}{named if self.gateway_authorities else ''}")
        return "\n".join(lines) + "\n"

    def _tls_of_gateways(self) -> str:
        if self.gateway_authorities is None:
            return ""
        return f" ssl verify required ca-file {_quoted(self.gateway_authorities)}"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


def _problem(status: int, code: str, detail: Text) -> str:
    """Answer with a problem document of the bus, for what HAProxy has to answer itself; it knows no language, so it says both."""
    kind = CODES[code]
    content = {
        "type": f"urn:lgsp:problem:{code}",
        "title": kind.title.vi,
        "status": status,
        "detail": f"{detail.vi} / {detail.en}",
        "code": code,
        "help": f"/problems/{code}",
    }
    document = orjson.dumps(content).decode().replace("'", "’")
    retry = " hdr Retry-After 1" if status == _UNAVAILABLE else ""
    return f"    http-error status {status} content-type application/problem+json string '{document}'{retry}"


_LOG = "LOG"
_UNAVAILABLE = 503
_UNKNOWN = Text(
    "Gateway dừng lại trong lúc xử lý yêu cầu nên không rõ đã thực hiện hay chưa; hãy gọi lại với cùng Idempotency-Key, hoặc tra trong hệ thống cung cấp.",
    "The gateway stopped while it carried the request out, so its outcome is unknown; repeat it with the same Idempotency-Key, or ask the provider.",
)
_PROBLEMS = "\n".join(
    (
        _problem(
            _UNAVAILABLE,
            "bus-unavailable",
            Text(
                "Hiện không có gateway nào trả lời, yêu cầu chưa được gửi đi; hãy thử lại sau vài giây.",
                "No gateway answers at present, and the request was not sent on; try again in a few seconds.",
            ),
        ),
        _problem(502, "outcome-unknown", _UNKNOWN),
        _problem(504, "outcome-unknown", _UNKNOWN),
    )
)

_DEFAULTS = f"""\
# Written by `lgsp haproxy config`; run that again instead of changing this.
global
    log {_LOG}

defaults
    mode http
    log global
    option dontlognull
    timeout http-request 10s
    timeout http-keep-alive {IDLE_SECONDS}s
    timeout client {LONGEST_ANSWER_MINUTES}m
    timeout server {LONGEST_ANSWER_MINUTES}m
    timeout connect {CONNECT_MILLISECONDS}ms
    timeout check {CHECK_MILLISECONDS}ms
    # A connection that could not be made is tried at another gateway. A request that was sent is never sent again: it may be a change.
    retries 5
    option redispatch 1
    retry-on conn-failure
{_PROBLEMS}
"""
