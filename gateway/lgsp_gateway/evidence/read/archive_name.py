"""The names of archives, which say what part of which log each holds."""

import re
from dataclasses import dataclass

from lgsp_contracts import names
from lgsp_contracts.names import GatewayName
from lgsp_problems import Refusal

_NAME = re.compile(r"(?P<gateway>.+)-(?P<first>[0-9]{12})-(?P<end>[0-9]{12})\.tar\.gz")


@dataclass(frozen=True, slots=True, order=True)
class ArchiveName:
    """Which part of which log: the entries from `first` up to, but not with, `end`."""

    gateway: GatewayName
    first: int
    end: int

    def __str__(self) -> str:
        return f"{self.gateway}-{self.first:012}-{self.end:012}.tar.gz"

    @classmethod
    def parse(cls, text: str) -> "ArchiveName | None":
        """Read a file's name; None where it is not one of an archive."""
        found = _NAME.fullmatch(text)
        if found is None:
            return None
        try:
            gateway = names.gateway_name(found["gateway"])
        except Refusal:  # somebody else's file
            return None
        return cls(gateway, int(found["first"]), int(found["end"]))
