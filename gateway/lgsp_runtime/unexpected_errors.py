"""The last resort: what to say, and what to write down, when something raised what nobody expected.

One place for all doors. The log says where it arose, with the id that the caller is given; what the error says of itself is kept
out of both, since it may quote a document.
"""

import structlog

from lgsp_problems import Refusal
from lgsp_runtime.error_frames import frames


def log_internal_error(error: BaseException | None, message: str) -> Refusal:
    """Log an error of the bus itself with its frames.

    Args:
        error: None where a library says that something broke, and not what.
        message: the id by which the caller's report and the log line are matched.

    Returns:
        The refusal to answer with.
    """
    kind = type(error).__name__ if error else "unknown"
    structlog.get_logger().error("internal error", message=message, error=kind, frames=frames(error) if error else [])
    return Refusal(
        "internal-error",
        vi=f"Trục gặp lỗi bên trong; hãy thử lại, và nếu lỗi còn thì báo mã {message} cho đơn vị vận hành trục.",
        en=f"The bus made an error; try again, and if it stays, report {message} to the operator of the bus.",
        private=kind,
    )
