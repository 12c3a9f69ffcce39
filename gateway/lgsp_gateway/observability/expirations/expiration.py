"""One thing that ends, how many days it has left, and who has to do what before."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from lgsp_contracts.time_zone import iso_time
from lgsp_problems import Text

Kind = Literal[
    "gateway-certificate",
    "nats-certificate",
    "adapter-certificate",
    "provider-certificate",
    "provider-secret",
    "token-key",
    "system-key",
    "grant",
    "contract",
    "storage",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Level = Literal["notice", "warning", "critical"]

NOTICE_DAYS, WARNING_DAYS, CRITICAL_DAYS = 30, 7, 1
_DAY = 86_400

_ADVICE: Mapping[Kind, Text] = {
    "gateway-certificate": Text(
        "hãy thay tệp chứng thư, không cần khởi động lại gateway", "replace the file; the gateway needs no restart"
    ),
    "nats-certificate": Text(
        "hãy thay tệp chứng thư rồi chạy `nats-server --signal reload`",
        "replace the file and run `nats-server --signal reload`",
    ),
    "adapter-certificate": Text(
        "hãy xin chứng thư mới của nhà cung cấp rồi thay tệp của bộ kết nối",
        "get a new certificate from the provider and replace the adapter's file",
    ),
    "provider-certificate": Text(
        "hãy báo đơn vị quản lý hệ thống nguồn gia hạn", "have those who run the provider's system renew it"
    ),
    "provider-secret": Text(
        "hãy đổi mật khẩu ở hệ thống nguồn rồi ghi vào tệp của bộ kết nối",
        "change it at the provider's system and write it into the adapter's file",
    ),
    "token-key": Text("hãy chạy `lgsp keys rotate`", "run `lgsp keys rotate`"),
    "system-key": Text(
        "hãy chạy `lgsp system rotate-key` hoặc báo đơn vị sở hữu hệ thống",
        "run `lgsp system rotate-key`, or tell the system's owner",
    ),
    "grant": Text("hãy gia hạn nếu còn cần: `lgsp grant renew`", "renew it if it is still needed: `lgsp grant renew`"),
    "contract": Text(
        "hãy chuyển các hệ thống khai thác sang phiên bản mới trước ngày này",
        "move its consumers to the next version before that day",
    ),
    "storage": Text(
        "hãy chạy `lgsp evidence archive` hoặc thêm đĩa và tăng max_file_store",
        "run `lgsp evidence archive`, or add disk space and raise max_file_store",
    ),
}


@dataclass(frozen=True, slots=True)
class Expiration:
    """One thing that ends.

    Args:
        name: of the thing among those of its kind; never a secret.
        end: from when on it is refused, or should have been replaced, in seconds since 1970.
    """

    kind: Kind
    name: str
    end: float

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "Expiration":
        """Read what `document` wrote, as another process may have.

        Raises:
            KeyError, TypeError, ValueError: it is malformed.
        """
        kind, name, end = document["kind"], document["name"], float(document["end"])
        if kind not in KINDS or not isinstance(name, str) or not math.isfinite(end) or not 0 <= end < 1e11:
            raise ValueError("not an expiration")
        printable = "".join(character if character.isprintable() else "?" for character in name[:_MAX_NAME])
        return cls(kind, printable, end)

    def document(self) -> dict[str, Any]:
        """Return it as gateways and adapters tell each other."""
        return {"kind": self.kind, "name": self.name, "end": round(self.end)}

    def days_left(self, now: float) -> int:
        """Return the whole days that are left; negative after the end."""
        return math.floor((self.end - now) / _DAY)

    def level(self, now: float) -> Level | None:
        """Return how urgent it is; None while there are more than 30 days."""
        days = (self.end - now) / _DAY
        if days >= NOTICE_DAYS:
            return None
        if days >= WARNING_DAYS:
            return "notice"
        return "warning" if days >= CRITICAL_DAYS else "critical"

    def text(self, now: float) -> Text:
        """Return what ends when, and what is to be done, in one sentence."""
        days, advice, day = self.days_left(now), _ADVICE[self.kind], iso_time(self.end)[:10]
        if self.kind == "storage":
            unit = "day" if days == 1 else "days"
            vi, en = (
                f"đầy sau {days} ngày theo tốc độ của tuần qua",
                f"is full in {days} {unit} at the rate of the last week",
            )
        elif days < 0:
            vi, en = f"đã hết hạn ngày {day}", f"ended on {day}"
        elif days == 0:
            vi, en = f"hết hạn trong vòng 24 giờ ({day})", f"ends within 24 hours ({day})"
        else:
            unit = "day" if days == 1 else "days"
            vi, en = f"còn {days} ngày ({day})", f"ends in {days} {unit} ({day})"
        return Text(
            f"{_TITLES[self.kind].vi} {self.name}: {vi}; {advice.vi}.",
            f"{_TITLES[self.kind].en} {self.name} {en}; {advice.en}.",
        )


_MAX_NAME = 200
_TITLES: Mapping[Kind, Text] = {
    "gateway-certificate": Text("Chứng thư của gateway", "The gateway's certificate"),
    "nats-certificate": Text("Chứng thư của NATS", "The NATS certificate"),
    "adapter-certificate": Text("Chứng thư của bộ kết nối", "The adapter's certificate"),
    "provider-certificate": Text("Chứng thư của hệ thống nguồn", "The provider's certificate"),
    "provider-secret": Text("Mật khẩu hệ thống nguồn", "The provider's password"),
    "token-key": Text("Khóa ký mã truy cập", "The key that signs tokens"),
    "system-key": Text("Khóa của hệ thống", "The key of system"),
    "grant": Text("Quyền khai thác", "The grant"),
    "contract": Text("Hợp đồng dữ liệu", "The contract"),
    "storage": Text("Kho lưu của NATS", "The storage"),
}
