"""The position of an entry in the stream and in its log, which the index knows and a proof needs."""

from dataclasses import dataclass

from lgsp_contracts.names import GatewayName


@dataclass(frozen=True, slots=True)
class LogPosition:
    """The position of one entry, in the stream and in its log.

    Args:
        gateway: whose log.
        leaf: the index of the entry in that log, from 0.
        sequence: the number of its batch in the stream.
        line: which line of the batch it is, from 0.
    """

    gateway: GatewayName
    leaf: int
    sequence: int
    line: int
