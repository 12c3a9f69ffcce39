"""The refusals of files, each a sentence that says what to do."""

import time

from lgsp_gateway.delivery.files.model import FileRecord, QuarantineReason
from lgsp_problems import NotFound, Refusal, StorageQuotaExceeded, Text


class UnusableFile(Refusal):
    """A document refers to a file that may not be passed on: its sender made a mistake, not the bus."""


_REASONS: dict[QuarantineReason, Text] = {
    "malware": Text("máy quét tìm thấy mã độc trong tệp", "the scanner found malware in it"),
    "type-mismatch": Text(
        "nội dung không đúng với loại tệp hoặc tên tệp đã khai",
        "its bytes are not what its media type or its name says",
    ),
    "executable": Text("tệp là chương trình chạy được", "it is a program"),
    "hash-mismatch": Text("mã băm SHA-256 không khớp với mã đã khai", "its SHA-256 is not the one that was declared"),
    "damaged": Text("nội dung đã lưu bị hỏng", "its stored content is damaged"),
    "not-scannable": Text("máy quét không nhận tệp lớn như vậy", "the scanner does not take a file of this size"),
}


def no_file() -> Refusal:
    """Return the refusal of a file that is not there, or that the caller may not know of."""
    return NotFound(
        vi="Không có tệp này, hoặc hệ thống của bạn không được đọc; hãy kiểm tra mã tệp.",
        en="There is no such file, or your system may not read it; check its id.",
    )


def no_referenced_file(pointer: str) -> Refusal:
    """Return the refusal of a document that refers to a file which its sender may not pass on."""
    return UnusableFile(
        "file-not-found",
        vi=f"Tệp ở {pointer} không có, hoặc bên gửi không được chuyển nó; hãy tải tệp lên trước rồi gửi lại.",
        en=f"The file at {pointer} does not exist, or its sender may not pass it on; upload it first, then send the document again.",
    )


def not_in_trials(pointer: str) -> Refusal:
    """Return the refusal of a trial that refers to a file: the provider could read it, whoever answers the trial."""
    return UnusableFile(
        "file-not-allowed",
        vi=f"Bản thử không chuyển tệp nào cho bên cung cấp; hãy bỏ tệp ở {pointer}, hoặc gọi thao tác này từ hệ thống của bạn.",
        en=f"A trial passes no file on to the provider; leave out the file at {pointer}, or call the operation from your system.",
    )


def refuse_unusable(record: FileRecord) -> None:
    """Refuse a file that may not be read or passed on in its state.

    Raises:
        Refusal: `file-not-ready`, `file-refused` or `file-expired`.
    """
    if record.state == "uploading":
        raise UnusableFile(
            "file-not-ready",
            vi="Tệp chưa được tải lên hết; hãy tải tiếp phần còn lại rồi thử lại.",
            en="The file is not uploaded completely; upload the rest, then try again.",
        )
    if record.state == "scanning":
        raise UnusableFile(
            "file-not-ready",
            vi="Tệp đang được kiểm tra mã băm, loại nội dung và mã độc; hãy thử lại sau ít giây.",
            en="The hash, type and scan of the file are pending; try again in a few seconds.",
            retry_after=5,
        )
    if record.state == "quarantined":
        raise quarantined(record.reason)
    if record.state == "expired" or record.expires_at <= time.time():
        raise expired()


def quarantined(reason: QuarantineReason) -> Refusal:
    """Return the refusal of a file that nobody may read."""
    why = _REASONS.get(reason, Text("tệp không hợp lệ", "it is not valid"))
    return UnusableFile(
        "file-refused",
        vi=f"Tệp bị cách ly vì {why.vi}; hãy kiểm tra tệp rồi tải lên tệp khác.",
        en=f"The file is quarantined: {why.en}; check it and upload another one.",
    )


def expired() -> Refusal:
    """Return the refusal of a file whose content is deleted."""
    return UnusableFile(
        "file-expired",
        vi="Tệp đã hết hạn và nội dung đã bị xóa; hãy tải lên lại.",
        en="The file has expired and its content is deleted; upload it again.",
    )


def wrong_offset(offset: int) -> Refusal:
    """Return the refusal of a part that does not begin where the last one ended."""
    return Refusal(
        "upload-conflict",
        vi=f"Trục đã nhận {offset} byte; hãy gửi tiếp với Upload-Offset: {offset}.",
        en=f"The bus has {offset} bytes; go on with Upload-Offset: {offset}.",
        headers={"Upload-Offset": str(offset)},
    )


def locked(seconds: int) -> Refusal:
    """Return the refusal of a part while another request sends one."""
    return Refusal(
        "upload-locked",
        vi="Một yêu cầu khác đang gửi tệp này; hãy thử lại sau.",
        en="Another request is sending this file; try again later.",
        retry_after=max(1, seconds),
    )


def wrong_checksum() -> Refusal:
    """Return the refusal of a part whose bytes changed on their way; nothing of it is kept."""
    return Refusal(
        "checksum-mismatch",
        vi="Phần vừa gửi không khớp Upload-Checksum nên không được lưu; hãy gửi lại phần đó.",
        en="The part that was sent does not match its Upload-Checksum and was not stored; send it again.",
    )


def too_many_unfinished(number: int) -> StorageQuotaExceeded:
    """Return the refusal of an upload whose system has begun too many others."""
    return StorageQuotaExceeded(
        vi=f"Hệ thống này có {number} lượt tải lên dở dang; hãy tải tiếp hoặc xóa chúng rồi thử lại.",
        en=f"This system has {number} unfinished uploads; finish or delete them, then try again.",
    )
