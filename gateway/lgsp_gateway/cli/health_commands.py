"""`lgsp health`: the health check of containers, which have no curl and no supervisor."""

import http.client
import ssl
import time
from pathlib import Path
from urllib.parse import urlsplit

from lgsp_problems import CannotStart, Refusal
from lgsp_runtime.loopback import is_loopback

ANSWER_SECONDS = 2.0
LATE_SECONDS = 30.0
"""The age from which on a heartbeat says that the process does nothing any more."""


def health(address: str = "", /, *, heartbeat: Path | None = None) -> None:
    """Exit with 0 where a gateway is ready, or the heartbeat of a process is fresh; else say what is wrong, and exit with 1.

    Parameters
    ----------
    address
        The address of a gateway, such as http://127.0.0.1:8080. On this machine its certificate need not be for that name.
    heartbeat
        The file that a process touches (`LGSP_HEARTBEAT`), where it has no address.
    """
    if heartbeat:
        _check_heartbeat(heartbeat)
    if address:
        _check_gateway(address)


def _check_heartbeat(file: Path) -> None:
    try:
        age = time.time() - file.stat().st_mtime
    except OSError as error:
        raise _unwell(f"chưa có tín hiệu sống ở {file}", f"there is no heartbeat in {file} yet") from error
    if age > LATE_SECONDS:
        raise _unwell(f"tín hiệu sống cuối cùng cách đây {age:.0f} giây", f"its last heartbeat was {age:.0f} s ago")


def _check_gateway(address: str) -> None:
    parts = urlsplit(address)
    host, is_https = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_https else 80)
    context = ssl.create_default_context()
    if is_loopback(host):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = (
        http.client.HTTPSConnection(host, port, timeout=ANSWER_SECONDS, context=context)
        if is_https
        else http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    )
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = " ".join(answer.read().decode(errors="replace").split())
    except (OSError, http.client.HTTPException) as error:
        raise _unwell(f"{address} không trả lời", f"{address} does not answer") from error
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise _unwell(f"{address} chưa sẵn sàng: {said}", f"{address} is not ready: {said}")


def _unwell(vi: str, en: str) -> Refusal:
    return CannotStart(
        vi=f"Tiến trình không khỏe: {vi}; hãy xem nhật ký của nó.", en=f"The process is not well: {en}; read its log."
    )
