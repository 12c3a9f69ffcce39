"""Which instance's domain the logs of a gateway are named after."""

from urllib.parse import urlsplit

from lgsp_gateway.evidence.verify.origins import LOCAL_DOMAIN, parse_domain
from lgsp_problems import Refusal
from lgsp_runtime.loopback import is_loopback


def instance_domain(named: str, public_url: str) -> str:
    """Return the domain with which the logs of a gateway are called.

    Args:
        named: the one that its settings name, if any.
        public_url: where callers reach it; on this machine alone no domain is needed.

    Raises:
        Refusal: `malformed`; `cannot-start`, when others reach the gateway and it is not said which instance it is.
    """
    if named:
        return parse_domain(named)
    host = urlsplit(public_url).hostname or ""
    if is_loopback(host):
        return LOCAL_DOMAIN
    raise Refusal(
        "cannot-start",
        vi=f"Gateway được gọi từ bên ngoài ({host}) nên nhật ký bằng chứng cần một tên duy nhất; hãy thêm --domain với tên miền của trục, ví dụ lgsp.quangninh.gov.vn, và không đổi nữa.",
        en=f"Others reach this gateway ({host}), so its evidence needs a name that is unique: add --domain with the domain of the instance, such as lgsp.quangninh.gov.vn, and keep to it.",
    )
