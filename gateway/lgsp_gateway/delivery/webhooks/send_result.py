"""What became of one attempt to send a webhook.

A lane turns the result into its own outcome: `Delivered` is done, `Failed` and `Refused` are tried again after a pause that grows,
`Gone` ends the subscription, and after `Deferred` the lane waits: no attempt was made, so none counts.
"""

from dataclasses import dataclass
from enum import Enum

from lgsp_problems import Text


class FailureReason(Enum):
    """Why an attempt failed. The value is the code that attempts, dead letters and metrics contain; it never changes its meaning."""

    NAME_NOT_FOUND = "name-not-found"
    UNREACHABLE = "unreachable"
    BAD_CERTIFICATE = "bad-certificate"
    TLS_FAILED = "tls-failed"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection-lost"
    MALFORMED_RESPONSE = "malformed-response"
    REDIRECT = "redirect"
    TOO_BUSY = "too-busy"
    SERVER_ERROR = "server-error"
    CLIENT_ERROR = "client-error"
    UNEXPECTED_STATUS = "unexpected-status"


class DeferralReason(Enum):
    """Why no attempt was made now."""

    PAUSED = "paused"
    BREAKER_OPEN = "breaker-open"
    RATE_REACHED = "rate-reached"
    CONCURRENCY_REACHED = "concurrency-reached"


_SENTENCES = {
    FailureReason.NAME_NOT_FOUND: Text(
        "Không phân giải được tên máy trong URL; hãy kiểm tra tên và DNS.",
        "The host name of the URL cannot be resolved; check the name and its DNS records.",
    ),
    FailureReason.UNREACHABLE: Text(
        "Không kết nối được tới điểm nhận; hãy kiểm tra máy chủ và tường lửa.",
        "The endpoint cannot be reached; check its server and its firewall.",
    ),
    FailureReason.BAD_CERTIFICATE: Text(
        "Chứng thư TLS của điểm nhận không được chấp nhận; hãy cài chứng thư còn hạn, đúng tên máy, do một tổ chức được tin cậy cấp.",
        "The TLS certificate of the endpoint is not accepted; install a valid one for its host name, issued by a trusted authority.",
    ),
    FailureReason.TLS_FAILED: Text(
        "Không thiết lập được kết nối TLS với điểm nhận; hãy dùng TLS 1.2 trở lên.",
        "No TLS connection to the endpoint can be made; it takes TLS 1.2 or later.",
    ),
    FailureReason.TIMEOUT: Text(
        "Điểm nhận không trả lời kịp; hãy trả lời ngay rồi mới xử lý.",
        "The endpoint did not answer in time; answer first and process afterwards.",
    ),
    FailureReason.CONNECTION_LOST: Text(
        "Điểm nhận đóng kết nối trước khi trả lời; hãy kiểm tra máy chủ.",
        "The endpoint closed the connection before it answered; check its server.",
    ),
    FailureReason.MALFORMED_RESPONSE: Text(
        "Trả lời của điểm nhận không đúng HTTP/1.1; hãy kiểm tra máy chủ.",
        "The response of the endpoint is not valid HTTP/1.1; check its server.",
    ),
    FailureReason.REDIRECT: Text(
        "Điểm nhận chuyển hướng; webhook không theo chuyển hướng, hãy đăng ký URL cuối cùng.",
        "The endpoint redirects, and webhooks follow no redirect; register the final URL.",
    ),
    FailureReason.TOO_BUSY: Text(
        "Điểm nhận đang quá tải; sẽ gửi lại sau.", "The endpoint is too busy; the request is sent again later."
    ),
    FailureReason.SERVER_ERROR: Text(
        "Điểm nhận gặp lỗi khi xử lý; hãy xem nhật ký của nó.",
        "The endpoint failed to process the request; see its log.",
    ),
    FailureReason.CLIENT_ERROR: Text(
        "Điểm nhận từ chối yêu cầu; hãy kiểm tra đường dẫn, quyền và việc xác minh chữ ký.",
        "The endpoint rejected the request; check its path, its access rules and how it verifies signatures.",
    ),
    FailureReason.UNEXPECTED_STATUS: Text(
        "Điểm nhận trả lời một mã trạng thái không dùng được; hãy trả lời 2xx khi đã nhận.",
        "The endpoint answered with an unusable status; answer 2xx once the request is received.",
    ),
}


@dataclass(frozen=True, slots=True)
class Delivered:
    """The endpoint answered 2xx.

    Args:
        ms: milliseconds from the request to the status.
    """

    status: int
    ms: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt failed; a later one may succeed.

    Args:
        reason: why.
        status: of the response; None where none came.
        retry_after: seconds that the endpoint asked to wait, within the limits of the bus; None where it asked for nothing.
        ms: milliseconds that the attempt took.
    """

    reason: FailureReason
    status: int | None = None
    retry_after: float | None = None
    ms: float = 0.0

    @property
    def detail(self) -> Text:
        """Return one sentence that says what failed and what to do; it contains nothing that the endpoint sent."""
        return _SENTENCES[self.reason]


@dataclass(frozen=True, slots=True)
class Gone:
    """The endpoint answered 410: it wants no more."""

    ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Refused:
    """The bus does not send there: the URL or the address that its name resolves to is not allowed (`egress`).

    It is tried again like a failure, since names and the networks that an operator lists change.
    """

    detail: Text


@dataclass(frozen=True, slots=True)
class Deferred:
    """No attempt was made.

    Args:
        reason: why.
        seconds: after which an attempt may be made.
    """

    reason: DeferralReason
    seconds: float


SendResult = Delivered | Failed | Gone | Refused | Deferred
