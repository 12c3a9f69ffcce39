"""Decides which domain the origins of a gateway's logs begin with, before anything is signed under them for ever."""

from urllib.parse import urlsplit

from lgsp_gateway.evidence.verify.origins import LOCAL_DOMAIN, parse_domain
from lgsp_problems import CannotStart
from lgsp_runtime.loopback import is_loopback


def instance_domain(configured: str, public_url: str) -> str:
    """Return the domain that the origins of a gateway's logs begin with.

    Args:
        configured: the domain in its settings; empty where there is none.
        public_url: where callers reach it; on a loopback address no domain is needed.

    Raises:
        Refusal: `malformed`; `cannot-start`, when other machines reach the gateway and no domain is configured.
    """
    if configured:
        return parse_domain(configured)
    host = urlsplit(public_url).hostname or ""
    if is_loopback(host):
        return LOCAL_DOMAIN
    raise CannotStart(
        vi=f"Gateway được gọi từ bên ngoài ({host}) nên nhật ký bằng chứng cần một tên duy nhất; hãy thêm --domain với tên miền của trục, ví dụ lgsp.quangninh.gov.vn, và không đổi nữa.",
        en=f"Others reach this gateway ({host}), so its evidence needs a name that is unique: add --domain with the domain of the instance, such as lgsp.quangninh.gov.vn, and keep to it.",
    )
