"""Carries out a call at once: a request to the provider's adapter over NATS, and its reply, in wire protocol 1."""

import time

from lgsp_contracts import wire
from lgsp_contracts.contract import Operation
from lgsp_contracts.message_checks import broken_answer
from lgsp_contracts.strict_json import DEFAULT
from lgsp_gateway.calls.execution.drained_services import DrainedServices
from lgsp_gateway.calls.execution.port import DeclaredError, Execution
from lgsp_problems import NoAdapter, ProviderLimitReached, Refusal, RequestUnfit
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable


class RequestReply:
    """Carries out calls by asking the adapter and waiting for it.

    Args:
        bus: where adapters are asked.
        large: the same on a connection of its own, for operations whose contract allows larger documents: 16 MiB on its way through one
            connection would keep everything behind it waiting.
        drained: services of which nobody is asked now.
    """

    def __init__(self, bus: NatsRequestReply, large: NatsRequestReply, drained: DrainedServices) -> None:
        self._bus = bus
        self._large = large
        self._drained = drained

    @property
    def is_available(self) -> bool:
        """Tell whether NATS is connected."""
        return self._bus.connected

    async def execute(self, execution: Execution) -> bytes:
        """Ask the adapter; see `ExecutionPort`."""
        request, consumer, authorized, body, times, key = execution
        operation = authorized.operation
        context = wire.Context(
            message=request.message,
            consumer=consumer.name,
            agency=consumer.agency,
            purpose=request.head.target.purpose,
            version=authorized.contract.version,
            deadline=int((time.time() + operation.timeout) * 1000),
            traceparent=request.traceparent,
            key=key,
            salt=request.salt.hex(),
        )
        repeatable = operation.idempotent or bool(key and operation.deduplicated)
        bus = self._large if operation.limits.bytes > DEFAULT.bytes else self._bus
        sent = wire.request(context, body)
        if len(sent) > bus.max_payload > 0:
            raise _larger_than_nats_takes(bus.max_payload)
        asked = time.perf_counter()
        try:
            data = await bus.request(authorized.subject, sent, operation.timeout, repeatable=repeatable)
        except NoAdapter as error:
            if authorized.contract.service in self._drained.names:
                raise _all_drained() from error
            raise
        elapsed = (time.perf_counter() - asked) * 1000
        reply = wire.parse_reply(data)
        if reply is not None:
            times.set_claimed(reply.adapter, reply.upstream, elapsed)
        return _document_of(operation, reply)


def _all_drained() -> NoAdapter:
    return NoAdapter(
        vi="Bộ kết nối của dịch vụ này đang tạm dừng để bảo trì; hãy thử lại sau, hoặc hỏi đơn vị vận hành trục.",
        en="The adapters of this service are drained for maintenance; try again later, or ask the operator of the bus.",
        retry_after=30,
    )


def _larger_than_nats_takes(size: int) -> Refusal:
    return Refusal(
        "too-large",
        vi=f"Máy chủ NATS của trục chỉ nhận thông điệp tới {size // 1024} KiB; hãy gửi phần lớn dưới dạng tệp, hoặc đề nghị người vận hành nâng max_payload.",
        en=f"The NATS server of the bus takes messages of {size // 1024} KiB at most; send what is large as a file, or ask the operator to raise max_payload.",
    )


def _document_of(operation: Operation, reply: wire.Reply | None) -> bytes:
    """Return the document of a reply.

    Raises:
        Refusal: an error that the contract declares, `provider-timeout`, `provider-failed`, `provider-broke-contract`,
            `provider-limit-reached`, `bus-unavailable`.
    """
    if reply is None:
        raise broken_answer("the reply is not wire protocol 1")
    if reply.status == "answered":
        if len(reply.body) > operation.answer_limits.bytes:
            raise broken_answer(f"more than {operation.answer_limits.bytes} bytes")
        return reply.body
    if reply.status == "error":
        declared = operation.errors.get(reply.code)
        if declared is None:
            raise broken_answer("the reply names an error that the contract does not declare")
        raise DeclaredError(reply.code, kind=declared, vi=f"{declared.title.vi}.", en=f"{declared.title.en}.")
    if reply.status == "late":
        raise Refusal(
            "provider-timeout",
            vi="Hệ thống cung cấp không trả lời bộ kết nối trong thời hạn của hợp đồng; hãy thử lại sau;"
            " nếu thao tác thay đổi dữ liệu, hãy dùng lại đúng Idempotency-Key đó.",
            en="The provider's system did not answer its adapter within the time its contract gives; try again later,"
            " where the operation changes something, with the same Idempotency-Key.",
        )
    if reply.code == "unfit":
        raise RequestUnfit(
            vi="Hệ thống cung cấp không nhận được một giá trị của yêu cầu (ký tự điều khiển, số quá lớn, ngày không có);"
            " chưa có gì được gửi đi, hãy sửa giá trị đó.",
            en="The provider's system cannot be sent a value of this request (a control character, a number too large, a day that is none);"
            " nothing was sent, mend that value.",
        )
    if reply.code == "limited":
        retry_after = reply.retry_after or 1
        raise ProviderLimitReached(
            vi="Hạn mức mà hệ thống cung cấp dành cho tỉnh đã dùng hết nên yêu cầu chưa được thực hiện;"
            f" hãy thử lại sau {retry_after} giây.",
            en="The limit that the provider's system sets for the province is reached, so the request was not carried out;"
            f" try again in {retry_after} seconds.",
            retry_after=retry_after,
        )
    if reply.code == "uncounted":
        raise bus_unavailable()
    raise Refusal(
        "provider-failed",
        vi="Bộ kết nối không lấy được kết quả từ hệ thống cung cấp; hãy thử lại sau, hoặc báo cho đơn vị vận hành trục.",
        en="The adapter got no result from the provider's system; try again later, or tell the operator of the bus.",
        private=f"adapter: {reply.code[:40]}",
    )
