"""The names of archives, which say which part of which log each holds: what to fetch is known without opening one."""

import re
from dataclasses import dataclass

from lgsp_contracts import names
from lgsp_contracts.names import GatewayName
from lgsp_problems import Refusal

_NAME = re.compile(r"(?P<gateway>.+)-(?P<first>[0-9]{12})-(?P<end>[0-9]{12})\.tar\.gz")


@dataclass(frozen=True, slots=True, order=True)
class ArchiveName:
    """The name of an archive, `GATEWAY-FIRST-END.tar.gz`: it holds the entries of a log from index `first` up to, but not with, `end`."""

    gateway: GatewayName
    first: int
    end: int

    def __str__(self) -> str:
        return f"{self.gateway}-{self.first:012}-{self.end:012}.tar.gz"

    @classmethod
    def parse(cls, text: str) -> "ArchiveName | None":
        """Parse the name of a file; None where it is not that of an archive."""
        match = _NAME.fullmatch(text)
        if match is None:
            return None
        try:
            gateway = names.gateway_name(match["gateway"])
        except Refusal:  # a file of another origin
            return None
        return cls(gateway, int(match["first"]), int(match["end"]))
