"""The table of problem codes. A code never changes its meaning; a new meaning is a new code.

The codes are part of the protocol (as X-Road's error codes are of its own): programs branch on them, people read the
sentence. `docs/reference/problems.md` is checked against this table by a test.
"""

from dataclasses import dataclass

from lgsp_problems.text import Text


@dataclass(frozen=True, slots=True)
class ProblemCode:
    """HTTP status and title of one code."""

    status: int
    title: Text


def _code(status: int, vi: str, en: str) -> ProblemCode:
    return ProblemCode(status, Text(vi, en))


CODES: dict[str, ProblemCode] = {
    # Errors of a call
    "malformed": _code(400, "Yêu cầu sai cú pháp", "The request is malformed"),
    "token-invalid": _code(401, "Mã truy cập không hợp lệ", "The access token is not valid"),
    "cross-site-request": _code(
        403, "Yêu cầu không đến từ trang của trục", "The request is not from a page of the bus"
    ),
    "not-granted": _code(403, "Chưa được cấp quyền khai thác", "No grant allows this call"),
    "purpose-not-granted": _code(403, "Mục đích chưa được cấp quyền", "No grant allows this purpose"),
    "token-not-bound": _code(403, "Mã truy cập chưa gắn với khóa", "The token is not bound to a key"),
    "sign-in-too-old": _code(403, "Cần đăng nhập lại", "Sign in again"),
    "person-required": _code(403, "Phải gọi thay mặt một người", "The call must be made on behalf of a person"),
    "grant-suspended": _code(403, "Quyền khai thác đang tạm dừng", "The grant is suspended"),
    "unknown-service": _code(404, "Không có dịch vụ này", "There is no such service"),
    "not-found": _code(404, "Không tìm thấy", "Not found"),
    "reference-invalid": _code(400, "Mã hồ sơ thiếu hoặc không hợp lệ", "The reference is missing or not valid"),
    "idempotency-key-required": _code(400, "Thiếu Idempotency-Key", "The Idempotency-Key is missing"),
    "answer-not-available": _code(404, "Không có câu trả lời", "There is no answer"),
    "method-not-allowed": _code(405, "Phương thức không được phép", "The method is not allowed"),
    "too-slow": _code(408, "Yêu cầu đến quá chậm", "The request arrived too slowly"),
    "idempotency-conflict": _code(409, "Idempotency-Key đã được dùng", "The Idempotency-Key is already in use"),
    "event-conflict": _code(409, "Sự kiện này đã có nội dung khác", "This event has other content already"),
    "too-large": _code(413, "Nội dung quá lớn", "The content is too large"),
    "unsupported-media-type": _code(415, "Kiểu nội dung không được hỗ trợ", "The media type is not supported"),
    "contract-violation": _code(422, "Yêu cầu trái hợp đồng dữ liệu", "The request violates the contract"),
    "async-not-allowed": _code(422, "Không được gọi không đồng bộ", "The operation cannot be called asynchronously"),
    "request-unfit": _code(
        422, "Hệ thống cung cấp không tiếp nhận được yêu cầu này", "The provider's system cannot accept this request"
    ),
    "secret-document": _code(451, "Văn bản mang dấu chỉ độ mật", "The document is marked with a degree of secrecy"),
    "url-not-allowed": _code(422, "Không được gửi tới URL này", "Nothing is sent to this URL"),
    "quota-exceeded": _code(429, "Vượt hạn mức khai thác", "The quota is exceeded"),
    "too-many-attempts": _code(429, "Quá nhiều mã không hợp lệ", "Too many invalid tokens"),
    "too-many-streams": _code(429, "Quá nhiều luồng đang mở", "Too many streams are open"),
    "internal-error": _code(500, "Lỗi nội bộ của trục", "Internal error of the bus"),
    "provider-broke-contract": _code(502, "Trả lời trái hợp đồng dữ liệu", "The response violates the contract"),
    "provider-failed": _code(502, "Hệ thống cung cấp gặp lỗi", "The provider's system failed"),
    "outcome-unknown": _code(502, "Không rõ đã thực hiện hay chưa", "The outcome is unknown"),
    "stored-content-damaged": _code(502, "Nội dung đã lưu bị hỏng", "The stored content is damaged"),
    "delivery-deadline-passed": _code(504, "Quá hạn giao thông điệp", "The delivery deadline has passed"),
    "no-adapter": _code(503, "Chưa có bộ kết nối phục vụ", "No adapter serves this service now"),
    "provider-limit-reached": _code(
        503, "Đã dùng hết hạn mức của hệ thống cung cấp", "The limit of the provider's system is reached"
    ),
    "service-suspended": _code(503, "Dịch vụ đang tạm ngừng", "The service is suspended"),
    "too-many-connections": _code(503, "Quá nhiều kết nối", "Too many connections"),
    "bus-unavailable": _code(503, "Trục tạm thời gián đoạn", "The bus is temporarily unavailable"),
    "evidence-unavailable": _code(503, "Không ghi được nhật ký bằng chứng", "Evidence cannot be written"),
    "provider-timeout": _code(504, "Hệ thống cung cấp không trả lời kịp", "The provider did not answer in time"),
    "archive-unavailable": _code(503, "Kho lưu trữ chưa dùng được", "The archive is not available"),
    "backup-unavailable": _code(503, "Nơi lưu bản sao chưa dùng được", "The place of backups is not available"),
    "backup-damaged": _code(409, "Bản sao lưu không toàn vẹn", "The backup is not whole"),
    "living-data": _code(409, "Đã có dữ liệu của một trục", "There is data of a bus already"),
    "index-unavailable": _code(503, "Chỉ mục tìm kiếm chưa sẵn sàng", "The search index is not available"),
    "evidence-forged": _code(409, "Bằng chứng không xác thực", "The evidence is not authentic"),
    # Errors of files
    "file-not-found": _code(422, "Không có tệp này", "There is no such file"),
    "file-not-ready": _code(409, "Tệp chưa dùng được", "The file is not ready"),
    "file-refused": _code(422, "Tệp bị từ chối", "The file was refused"),
    "file-expired": _code(410, "Tệp đã hết hạn", "The file has expired"),
    "file-not-allowed": _code(422, "Tệp không được phép", "The file is not allowed"),
    "storage-quota-exceeded": _code(429, "Vượt hạn mức lưu trữ", "The storage quota is exceeded"),
    "upload-conflict": _code(409, "Vị trí tải lên không khớp", "The offset of the upload does not match"),
    "upload-locked": _code(423, "Tệp đang được tải lên", "The upload is in use"),
    "checksum-mismatch": _code(460, "Mã băm không khớp", "The checksum does not match"),
    "unsupported-tus-version": _code(412, "Phiên bản tus không được hỗ trợ", "The tus version is not supported"),
    "range-not-satisfiable": _code(416, "Khoảng byte nằm ngoài tệp", "The range lies outside the file"),
    "storage-full": _code(507, "Kho lưu của trục đã đầy", "The storage of the bus is full"),
    "storage-unavailable": _code(503, "Kho tệp chưa dùng được", "The file store is not available"),
    # Errors of a change to the registry
    "already-exists": _code(409, "Tài liệu đã có", "The document already exists"),
    "in-use": _code(409, "Tài liệu còn được dùng", "The document is in use"),
    "step-not-allowed": _code(
        409, "Không được phép thực hiện bước này", "This step is not allowed in the present state"
    ),
    "contract-ambiguous": _code(422, "Hợp đồng có thể hiểu khác nhau", "The contract can be understood differently"),
    "contract-incompatible": _code(422, "Hợp đồng không tương thích", "The contract is not compatible"),
    "revision-conflict": _code(412, "Tài liệu đã thay đổi", "The document has changed"),
    "precondition-required": _code(428, "Thiếu điều kiện If-Match", "If-Match is required"),
    # The token endpoint uses the error codes of RFC 6749, section 5.2
    "invalid_request": _code(400, "Yêu cầu cấp mã sai cú pháp", "The token request is malformed"),
    "invalid_grant": _code(400, "Không đăng nhập được", "The sign-in is not valid"),
    "invalid_client": _code(401, "Không xác thực được hệ thống", "The client could not be authenticated"),
    "invalid_dpop_proof": _code(401, "Bằng chứng DPoP không hợp lệ", "The DPoP proof is not valid"),
    "unsupported_grant_type": _code(400, "Kiểu cấp mã không được hỗ trợ", "The grant type is not supported"),
    # Errors of documents and commands
    "invalid-document": _code(422, "Tài liệu không hợp lệ", "The document is not valid"),
    "second-factor-required": _code(401, "Cần thêm mã xác thực", "A second factor is required"),
    "sign-in-failed": _code(401, "Đăng nhập không thành công", "The sign-in failed"),
    "writes-not-allowed": _code(409, "Chưa được phép ghi", "Writing is not allowed"),
    "cannot-start": _code(500, "Không khởi động được", "Cannot start"),
    "bus-not-found": _code(503, "Không tìm thấy trục", "No bus was found"),
}
