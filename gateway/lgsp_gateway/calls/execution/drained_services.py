"""The services whose adapters are all drained, so that a call that finds none can say why."""

from lgsp_contracts.names import ServiceName


class DrainedServices:
    """Their names, as of the last round of adapter discovery."""

    def __init__(self) -> None:
        self.names: frozenset[ServiceName] = frozenset()
