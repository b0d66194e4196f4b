"""The two kinds of error: what a client is told, and what the operator is told."""


class OperatorError(Exception):
    """Why the platform cannot start or seed, in one line with the remedy; never a stack trace."""


class Problem(Exception):  # noqa: N818 - it is an answer, not a failure of the program
    """An answer other than the wanted one, raised anywhere in a request; a transaction rolls back.

    ``fields`` stand beside ``error`` in the JSON body; ``headers`` are added to the answer.
    """

    def __init__(
        self, status: int, error: str, *, headers: tuple[tuple[str, str], ...] = (), **fields: object
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.headers = headers
        self.fields = fields
