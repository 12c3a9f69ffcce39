"""Origins of logs (C2SP `tlog-checkpoint`): names that are unique in the world, `DOMAIN/GATEWAY`.

A checkpoint is read far from its bus, beside those of other provinces. The domain of the instance makes its log's name unique.
"""

import re

from lgsp_contracts import names
from lgsp_contracts.names import GatewayName
from lgsp_problems import Refusal

LOCAL_DOMAIN = "lgsp"
"""Stands for the domain of an instance that has none: of a bus on one machine, and of all before November 2026."""
_DOMAIN = re.compile(r"(?=.{1,200}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


def parse_domain(text: str) -> str:
    """Return the domain of an instance, such as `lgsp.quangninh.gov.vn`, after a check of its form.

    Raises:
        Refusal: `malformed`.
    """
    if not _DOMAIN.fullmatch(text):
        raise Refusal(
            "malformed",
            vi="Tên miền của trục phải là tên DNS viết thường có dấu chấm, ví dụ lgsp.quangninh.gov.vn; hãy sửa --domain.",
            en="The domain of an instance is a DNS name in lower case with a dot, such as lgsp.quangninh.gov.vn; correct --domain.",
        )
    return text


def origin_of(gateway: GatewayName, domain: str = LOCAL_DOMAIN) -> str:
    """Return the origin of a gateway's log, `DOMAIN/GATEWAY`."""
    return f"{domain}/{gateway}"


def gateway_of(origin: str) -> GatewayName:
    """Return the gateway whose log an origin, or the name of a verifier key, stands for.

    The result is safe as part of a file name.

    Raises:
        Refusal: `malformed`, when the text is not an origin of a gateway's log.
    """
    domain, _, gateway = origin.rpartition("/")
    if domain != LOCAL_DOMAIN and not _DOMAIN.fullmatch(domain):
        raise Refusal(
            "malformed",
            vi="Khóa này không thuộc nhật ký của một gateway (TÊN-MIỀN/TÊN); hãy dùng tệp từ `lgsp evidence keys`.",
            en="This key is not that of a gateway's log (DOMAIN/NAME); use the file from `lgsp evidence keys`.",
        )
    return names.gateway_name(gateway)
