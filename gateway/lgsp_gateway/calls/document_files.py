"""The files that documents of calls refer to: who passes them on, who may read them then. A port, since files are kept above calls."""

from typing import Protocol

from lgsp_auth.policy import Officer
from lgsp_gateway.calls.authorize import AuthorizedCall


class DocumentFiles(Protocol):
    """Checks the files of requests and answers. Called only where the schema of the document has files (`Schema.has_files`)."""

    async def pass_request(
        self, consumer: str, authorized: AuthorizedCall, request: bytes, message: str, officer: Officer | None = None
    ) -> None:
        """Check that a consumer may pass on the files of a request, and let the provider read them. In a trial none is passed on.

        Args:
            request: valid under the contract.
            message: the id of the call or message.
            officer: who calls by the form system of an agency; None where a system calls by itself.

        Raises:
            Refusal: as `FileReferences.check_and_bind`; `file-not-allowed`, where a trial refers to one.
        """

    async def pass_answer(
        self, consumer: str, authorized: AuthorizedCall, answer: bytes, message: str, officer: Officer | None = None
    ) -> None:
        """Check that the provider may pass on the files of an answer, and let the consumer read them; but not those of a trial.

        Args:
            answer: valid under the contract, without what the grant hides.
            officer: as `pass_request` takes it; where there is one, nobody else of the agency may read them.

        Raises:
            Refusal: `provider-broke-contract`, where the provider may not pass one on; `bus-unavailable`.
        """
