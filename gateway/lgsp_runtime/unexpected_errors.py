"""The one place where an unexpected error becomes a log line and a refusal, for HTTP, NATS and adapters alike.

The log says where the error arose, with the id that the caller gets; the text of the error appears in neither, since it may quote a
document.
"""

import structlog

from lgsp_problems import Refusal
from lgsp_runtime.error_frames import frames


def log_internal_error(error: BaseException | None, message: str) -> Refusal:
    """Log an error of the bus itself with its frames, and return the refusal for the caller.

    Args:
        error: None where a library reports a failure without its error.
        message: the id by which the caller's report and the log line are matched.

    Returns:
        `internal-error`, with that id.
    """
    kind = type(error).__name__ if error else "unknown"
    structlog.get_logger().error("internal error", message=message, error=kind, frames=frames(error) if error else [])
    return Refusal(
        "internal-error",
        vi=f"Trục gặp lỗi bên trong; hãy thử lại, và nếu lỗi còn thì báo mã {message} cho đơn vị vận hành trục.",
        en=f"The bus made an error; try again, and if it stays, report {message} to the operator of the bus.",
        private=kind,
    )
