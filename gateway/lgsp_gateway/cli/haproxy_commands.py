"""`lgsp haproxy config`: the configuration of HAProxy before the gateways of a bus in production."""

from pathlib import Path

from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.operate.haproxy_config import ClientTls, HaproxyConfig
from lgsp_gateway.operate.nats_config import Address
from lgsp_problems import CannotStart
from lgsp_runtime import durable_file
from lgsp_runtime.loopback import is_loopback

_HTTPS_PORT = 443
_GATEWAY_PORT = 8080


def config(
    *,
    to: Path,
    gateway: tuple[str, ...],
    listen: str = "127.0.0.1:8443",
    tls_cert: Path | None = None,
    gateway_ca: Path | None = None,
) -> None:
    """Write the configuration of HAProxy, which balances the gateways of a bus and notices when one stops.

    Start each gateway with `--load-balancers` and the address of HAProxy, and with `--public-url` of the address that callers use.

    Parameters
    ----------
    to
        The file to write, such as /etc/haproxy/haproxy.cfg.
    gateway
        Where a gateway listens, such as gw-1.lgsp.example.gov.vn:8080; once for each.
    listen
        Where callers reach HAProxy. Beyond this machine it takes TLS.
    tls_cert
        The certificate for callers, its chain and its private key in one PEM file, as HAProxy takes it.
    gateway_ca
        Certificate authorities of the gateways, which serve HTTPS then. Gateways on other machines take it.
    """
    address = Address.parse(listen, _HTTPS_PORT)
    gateways = tuple(Address.parse(one, _GATEWAY_PORT) for one in gateway)
    tls = _client_tls(tls_cert)
    if not is_loopback(address.host) and tls is None:
        raise CannotStart(
            vi=f"HAProxy mở ra ngoài máy này ({address}) phải dùng TLS; hãy nêu --tls-cert.",
            en=f"HAProxy that others reach ({address}) takes TLS; give --tls-cert.",
        )
    far = [one.host for one in gateways if not is_loopback(one.host)]
    if far and gateway_ca is None:
        raise CannotStart(
            vi=f"Dữ liệu cá nhân đi qua mạng tới gateway ({', '.join(far)}) phải dùng TLS; hãy nêu --gateway-ca và chạy gateway với --tls-cert, --tls-key.",
            en=f"Personal data on its way to gateways on other machines ({', '.join(far)}) takes TLS; give --gateway-ca, and start the gateways with --tls-cert and --tls-key.",
        )
    authorities = gateway_ca.absolute() if gateway_ca else None
    durable_file.write(to, HaproxyConfig(address, gateways, tls, authorities).text().encode())
    out(localized(f"đã ghi {to}\n", f"wrote {to}\n"))


def _client_tls(certificate: Path | None) -> ClientTls | None:
    if certificate is None:
        return None
    try:
        content = certificate.read_text()
    except OSError as error:
        raise CannotStart(
            vi=f"Không đọc được chứng thư {certificate}: {error.strerror}; hãy kiểm tra --tls-cert.",
            en=f"Cannot read the certificate {certificate}: {error.strerror}; check --tls-cert.",
        ) from error
    if "PRIVATE KEY-----" not in content or "-----BEGIN CERTIFICATE" not in content:
        raise CannotStart(
            vi=f"HAProxy cần chứng thư, chuỗi và khóa riêng trong cùng một tệp; hãy ghép bằng cat cert.pem key.pem > {certificate}.",
            en=f"HAProxy takes the certificate, its chain and the private key in one file; join them: cat cert.pem key.pem > {certificate}.",
        )
    return ClientTls(certificate.absolute())
