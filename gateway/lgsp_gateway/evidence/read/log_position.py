"""Where an entry stands."""

from dataclasses import dataclass

from lgsp_contracts.names import GatewayName


@dataclass(frozen=True, slots=True)
class LogPosition:
    """Which line of which batch of the stream an entry is, and which leaf of which log."""

    gateway: GatewayName
    leaf: int
    sequence: int
    line: int
