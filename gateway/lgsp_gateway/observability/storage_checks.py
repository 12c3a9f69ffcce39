"""The checks of the room that the storage has left, which fails well before nothing new is accepted any more, and of what could not be written."""

from collections.abc import Awaitable, Callable, Mapping

from lgsp_gateway.delivery.storage.space import DISK, WARNING_RESERVES, StorageSpace
from lgsp_gateway.delivery.storage.stream_health import Streams
from lgsp_problems import Text


class StorageChecks:
    """The checks of the storage of NATS, and of the disk below it where that is on this machine."""

    def __init__(self, space: StorageSpace) -> None:
        self._space = space

    def by_name(self) -> Mapping[str, Callable[[], Awaitable[Text | None]]]:
        """Return the checks by the names under which `lgsp doctor` and the metrics show them."""
        return {"streams": self._check_streams, "storage": self._check_storage}

    async def _check_streams(self) -> Text | None:
        if unwritable := self._space.streams.unwritable():
            named = _named(unwritable)
            return Text(
                f"Máy chủ NATS không ghi được luồng dữ liệu ({named}) vì đĩa của nó đã đầy hoặc hỏng; hãy giải phóng đĩa rồi khởi động lại nats-server, trước đó nó không ghi lại. Những gì đã nhận không mất; chưa khởi động lại các gateway khi còn bằng chứng chờ ghi.",
                f"NATS servers cannot write streams ({named}), since their disk was full or is broken; free space on the disk, then restart nats-server: it does not write them again before. What was accepted is kept; do not restart gateways while evidence waits to be written.",
            )
        if behind := self._space.streams.behind():
            named = _named(behind)
            return Text(
                f"Máy chủ NATS chưa bắt kịp các máy khác trong cụm ({named}) sau hơn một phút; hãy kiểm tra mạng giữa các máy chủ và số máy đang chạy, vì lúc này cụm có thể không chịu được thêm một máy hỏng.",
                f"NATS servers have not caught up with the others of the cluster ({named}) for more than a minute; check the network between them and how many run, since the cluster may not go on without one more.",
            )
        return None

    async def _check_storage(self) -> Text | None:
        if self._space.unreadable:
            return Text(
                f"Không đọc được dung lượng trống của thư mục {self._space.folder} ({self._space.unreadable}); hãy sửa quyền của thư mục, hoặc cho nats-storage chỉ đúng nơi máy chủ NATS trên máy này lưu dữ liệu.",
                f"The free space of the folder {self._space.folder} cannot be read ({self._space.unreadable}); mend its rights, or have nats-storage name where the NATS server on this machine stores.",
            )
        room = self._space.narrowest()
        if room is None or room.free >= WARNING_RESERVES * room.reserve:
            return None
        place = self._space.folder if room.name == DISK else room.name
        free, reserve = f"{room.free / (1 << 20):,.0f} MiB", f"{room.reserve / (1 << 20):,.0f} MiB"
        if room.free >= room.reserve:
            vi = f"khi còn dưới {reserve}, trục không nhận thêm thông điệp, sự kiện và tệp"
            en = f"below {reserve} no messages, events and files are accepted"
        else:
            vi = f"ít hơn mức dự trữ {reserve} nên trục không nhận thêm thông điệp, sự kiện và tệp"
            en = f"less than the reserve of {reserve}, so no messages, events and files are accepted"
        return Text(
            f"Kho lưu của NATS ({place}) chỉ còn {free}; {vi}. Hãy chạy `lgsp evidence archive`, xử lý thông điệp không giao được, hoặc tăng đĩa và max_file_store.",
            f"The storage of NATS ({place}) has {free} left; {en}. Run `lgsp evidence archive`, deal with dead letters, or add disk space and raise max_file_store.",
        )


def _named(streams: Streams) -> str:
    return "; ".join(f"{server}: {', '.join(names)}" for server, names in sorted(streams.items()))
