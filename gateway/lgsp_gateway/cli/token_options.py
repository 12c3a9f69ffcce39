"""The options of commands that sign with the key of the logs where a PKCS#11 token has it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import Parameter

from lgsp_problems import CannotStart

if TYPE_CHECKING:
    from lgsp_gateway.keys.pkcs11_token import Pkcs11Token


@Parameter(name="*")
@dataclass(frozen=True)
class TokenOptions:
    """The PKCS#11 token that has the key of the logs, after `lgsp keys move-to-token`.

    Parameters
    ----------
    pkcs11_module
        The PKCS#11 library of the token, such as /usr/lib/softhsm/libsofthsm2.so.
    pkcs11_token
        The label of the token.
    pkcs11_pin_file
        A file with the PIN of the token's user.
    """

    pkcs11_module: Path | None = None
    pkcs11_token: str = "lgsp"  # noqa: S105 - the label of a token
    pkcs11_pin_file: Path | None = None

    def open(self) -> "Pkcs11Token | None":
        """Open the token; None where none is named.

        Raises:
            Refusal: `cannot-start`, when only one of the two options is given, or the token refuses.
        """
        if self.pkcs11_module is None and self.pkcs11_pin_file is None:
            return None
        if self.pkcs11_module is None or self.pkcs11_pin_file is None:
            raise CannotStart(
                vi="--pkcs11-module và --pkcs11-pin-file đi cùng nhau; hãy nêu cả hai, hoặc bỏ cả hai.",
                en="--pkcs11-module and --pkcs11-pin-file belong together; give both, or neither.",
            )
        from lgsp_gateway.keys.pkcs11_token import Pkcs11Token, TokenAddress  # noqa: PLC0415 - for those alone who have a token

        return Pkcs11Token(TokenAddress(self.pkcs11_module, self.pkcs11_token, self.pkcs11_pin_file))
