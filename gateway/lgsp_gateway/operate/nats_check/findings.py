"""What is wrong with NATS servers, given what they say of themselves: each finding is a sentence that says what to do.

The comparison is with what `lgsp nats config` writes, so that a server whose configuration was written by hand, or changed since, is
noticed before it loses something or lets somebody in.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lgsp_gateway.nats.auth_callout import ACCOUNT
from lgsp_gateway.operate import nats_users
from lgsp_gateway.operate.nats_check.server_state import ServerState
from lgsp_gateway.operate.nats_config import MAX_PAYLOAD, MAX_PENDING, MAX_SUBSCRIPTIONS
from lgsp_problems import Text
from lgsp_runtime.loopback import is_loopback

TESTED_VERSION = (2, 15, 1)
MAX_CLOCK_DIFFERENCE_SECONDS = 1.0
"""Tokens and proofs of possession are judged by clocks, and evidence is dated by them."""
FULL = 0.9
REPLICAS = 3
_LIMITS = {"max_payload": MAX_PAYLOAD, "max_pending": MAX_PENDING, "max_subscriptions": MAX_SUBSCRIPTIONS}
_BUS_ACCOUNTS = {ACCOUNT, nats_users.SYSTEM_ACCOUNT, "$G"}
_OTHER_PROTOCOLS = ("mqtt", "websocket", "gateway")


def of_servers(servers: Sequence[ServerState]) -> Iterator[Text]:
    """Find what is wrong with each server and with all of them together."""
    for server in servers:
        yield from _version(server)
        yield from _jetstream(server)
        yield from _limits(server)
        yield from _encrypted_connections(server)
        yield from _other_ways_in(server)
        yield from _accounts(server)
    yield from _number(servers)
    yield from _clocks(servers)


def _version(server: ServerState) -> Iterator[Text]:
    text = str(server.variables.get("version", ""))
    numbers = text.partition("-")[0].split(".")
    version = tuple(int(number) for number in numbers if number.isdecimal())
    if version < TESTED_VERSION:
        tested = ".".join(map(str, TESTED_VERSION))
        yield Text(
            f"{server.name} chạy nats-server {text}, cũ hơn bản đã kiểm thử; hãy nâng lên {tested} hoặc mới hơn.",
            f"{server.name} runs nats-server {text}, older than the one that was tested; upgrade it to {tested} or newer.",
        )


def _jetstream(server: ServerState) -> Iterator[Text]:
    config = (server.variables.get("jetstream") or {}).get("config")
    if not config or server.jetstream.get("disabled"):
        yield Text(
            f"JetStream không chạy ở {server.name}, nên máy này không lưu gì; hãy xem đĩa còn chỗ không và mục jetstream trong cấu hình, rồi khởi động lại máy chủ.",
            f"JetStream is off at {server.name}, so it stores nothing; see whether its disk is full and whether its configuration has jetstream, then restart it.",
        )
        return
    if not config.get("sync_always"):
        yield Text(
            f"{server.name} báo đã lưu trước khi ghi xuống đĩa; hãy đặt sync_interval: always trong jetstream, nếu không mất điện là mất thông điệp.",
            f"{server.name} says that something is stored before it is on the disk; set sync_interval: always in jetstream, or messages are lost with the power.",
        )
    stored, allowed = server.jetstream.get("storage", 0), config.get("max_storage", 0)
    if stored >= allowed * FULL:
        yield Text(
            f"{server.name} đã dùng {_gib(stored)} trong {_gib(allowed)} được phép lưu; hãy chuyển bằng chứng cũ vào kho lưu trữ (lgsp evidence archive) hoặc tăng max_file_store.",
            f"{server.name} has stored {_gib(stored)} of the {_gib(allowed)} that it may; archive old evidence (lgsp evidence archive) or raise max_file_store.",
        )


def _gib(size: int) -> str:
    return f"{size / (1 << 30):,.1f} GiB"


def _limits(server: ServerState) -> Iterator[Text]:
    for option, needed in _LIMITS.items():
        actual = server.variables.get(option, 0)
        if 0 <= actual < needed and not (option == "max_subscriptions" and actual == 0):  # 0: no limit
            yield Text(
                f"{server.name} có {option} là {actual}, trục cần {needed}; hãy sửa trong cấu hình rồi nạp lại.",
                f"{server.name} has {option} of {actual}, and the bus needs {needed}; set it in the configuration and reload the server.",
            )


def _encrypted_connections(server: ServerState) -> Iterator[Text]:
    cluster, leaf = (server.variables.get(part) or {} for part in ("cluster", "leaf"))
    doors = (
        ("tls", server.variables.get("host", ""), server.variables.get("tls_required")),
        ("cluster.tls", cluster.get("addr", ""), cluster.get("tls_required")),
        ("leafnodes.tls", leaf.get("host", ""), leaf.get("tls_required")),
    )
    for option, host, encrypted in doors:
        if host and not is_loopback(host) and not encrypted:
            yield Text(
                f"{server.name} mở ra ngoài máy này ở {host} mà không có TLS; hãy cấu hình {option}, vì mật khẩu và dữ liệu cá nhân đi qua đó.",
                f"{server.name} can be reached from other machines at {host} without TLS; configure {option}, since passwords and personal data pass there.",
            )


def _other_ways_in(server: ServerState) -> Iterator[Text]:
    for protocol in _OTHER_PROTOCOLS:
        if (server.variables.get(protocol) or {}).get("port"):
            yield Text(
                f"{server.name} mở cả {protocol}, trục không dùng; hãy bỏ mục {protocol} khỏi cấu hình.",
                f"{server.name} opens {protocol} too, which the bus does not use; remove {protocol} from its configuration.",
            )
    if (server.variables.get("leaf") or {}).get("port"):
        yield Text(
            f"{server.name} cho nút lá kết nối; bộ kết nối không đi qua nút lá được, còn chủ của nút lá có thể đọc dữ liệu của cơ quan khác, nên hãy bỏ mục leafnodes khỏi cấu hình rồi khởi động lại máy chủ.",
            f"{server.name} lets leaf nodes connect; no adapter can use one, and its owner may read the data of others, so remove leafnodes from the configuration and restart the server.",
        )
    host = server.variables.get("http_host", "")
    if (server.variables.get("http_port") or server.variables.get("https_port")) and not is_loopback(host):
        yield Text(
            f"{server.name} cho cả mạng xem số liệu giám sát ở {host} mà không hỏi mật khẩu; hãy đặt http thành 127.0.0.1:8222.",
            f"{server.name} shows its monitoring to the network at {host} without a password; set http to 127.0.0.1:8222.",
        )


def _accounts(server: ServerState) -> Iterator[Text]:
    if server.variables.get("system_account") != nats_users.SYSTEM_ACCOUNT:
        yield Text(
            f"Tài khoản hệ thống của {server.name} không phải là {nats_users.SYSTEM_ACCOUNT}; hãy viết lại cấu hình bằng lgsp nats config.",
            f"The system account of {server.name} is not {nats_users.SYSTEM_ACCOUNT}; write its configuration anew by lgsp nats config.",
        )
    if others := sorted(set(server.accounts) - _BUS_ACCOUNTS):
        yield Text(
            f"{server.name} có tài khoản mà lgsp nats config không viết: {', '.join(others)}; hãy bỏ chúng khỏi accounts.",
            f"{server.name} has accounts that lgsp nats config does not write: {', '.join(others)}; remove them from accounts.",
        )
    if entered := sorted(set(server.leaf_accounts) - {ACCOUNT}):
        yield Text(
            f"Một nút lá nối vào tài khoản {', '.join(entered)} của {server.name}; nút lá chỉ được nối vào {ACCOUNT}, hãy sửa remotes của nút đó.",
            f"A leaf node is connected to account {', '.join(entered)} of {server.name}; it belongs into {ACCOUNT}: mend the remotes of that node.",
        )


def _number(servers: Sequence[ServerState]) -> Iterator[Text]:
    metas: list[Mapping[str, Any]] = [server.jetstream.get("meta_cluster") or {} for server in servers]
    size = max([len(servers), *(meta.get("cluster_size", 0) for meta in metas)])
    if size > len(servers):
        there = ", ".join(server.name for server in servers)
        yield Text(
            f"Cụm có {size} máy chủ nhưng chỉ {len(servers)} trả lời ({there}); hãy khởi động máy còn thiếu và kiểm tra mạng tới nó.",
            f"The cluster has {size} servers, of which {len(servers)} answer ({there}); start the missing ones and check the network to them.",
        )
    if size % 2 == 0:
        yield Text(
            f"Cụm có {size} máy chủ: số chẵn không chịu được thêm máy hỏng nào so với {size - 1}; hãy chạy 3 hoặc 5.",
            f"The cluster has {size} servers: an even number survives no more failures than {size - 1}; run 3 or 5.",
        )
    if len(servers) > 1 and size > 1 and not any(meta.get("leader") for meta in metas):
        yield Text(
            "Cụm chưa bầu được máy dẫn đầu nên không ghi được gì; hãy khởi động đủ quá nửa số máy chủ.",
            "The cluster has no leader, so nothing can be written; start more than half of its servers.",
        )


def _clocks(servers: Sequence[ServerState]) -> Iterator[Text]:
    clocks = [(server.clock_ahead, server.clock_uncertainty, server.name) for server in servers]
    clocks = sorted([*clocks, (0.0, 0.0, "")])
    (slow, slow_by, behind), (fast, fast_by, ahead) = clocks[0], clocks[-1]
    if fast - slow - slow_by - fast_by > MAX_CLOCK_DIFFERENCE_SECONDS:
        here_vi, here_en = "máy này", "this machine"
        yield Text(
            f"Đồng hồ của {ahead or here_vi} nhanh hơn {behind or here_vi} {fast - slow:.1f} giây; hãy đồng bộ giờ (chrony) trên cả hai.",
            f"The clock of {ahead or here_en} is {fast - slow:.1f} seconds ahead of {behind or here_en}; synchronize both (chrony).",
        )


def of_streams(streams: Sequence[Mapping[str, Any]], servers: int) -> Iterator[Text]:
    """Find streams with fewer replicas than the servers allow, and replicas that are behind.

    Args:
        streams: as `$JS.API.STREAM.LIST` describes them.
        servers: how many there are.
    """
    few = sorted(one["config"]["name"] for one in streams if one["config"].get("num_replicas", 1) < REPLICAS)
    if servers >= REPLICAS and few:
        yield Text(
            f"Luồng có ít hơn {REPLICAS} bản sao: {_some(few)}; hãy khởi động lại các gateway với --replicas {REPLICAS}.",
            f"Streams with fewer than {REPLICAS} replicas: {_some(few)}; restart the gateways with --replicas {REPLICAS}.",
        )
    behind = sorted({name for one in streams for name in _replicas_behind(one)})
    if behind:
        yield Text(
            f"Bản sao ở {_some(behind)} chưa theo kịp; đừng khởi động lại máy chủ nào khác, và hãy kiểm tra đĩa và mạng của máy đó.",
            f"Replicas at {_some(behind)} are behind; restart no other server, and check the disk and the network of that one.",
        )


def _replicas_behind(stream: Mapping[str, Any]) -> Iterator[str]:
    for replica in (stream.get("cluster") or {}).get("replicas") or ():
        if replica.get("offline") or not replica.get("current"):
            yield replica["name"]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
