"""What a call to the upstream may raise, told apart by what the caller must do next."""


class UpstreamError(Exception):
    """The root of all that a call may raise; raised itself by nobody.

    ``words`` is what the upstream said: plain text of at most 500 characters, "" when it said
    nothing fit to be shown. ``reason`` is our own short diagnosis in English, for operators and
    logs. Neither holds a token, a PIN or a request's body.
    """

    # Every argument has a default and stands in an attribute, so that the errors survive pickling
    # on their way out of a worker.
    def __init__(
        self, reason: str = "", *, command: str = "", words: str = "", status: int | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.command = command
        self.words = words
        self.status = status

    def __str__(self) -> str:
        reason = f"{self.reason} (HTTP {self.status})" if self.status else self.reason
        return ": ".join(part for part in (self.command, reason, self.words) if part)


class NotSent(UpstreamError):
    """No byte of the request left the process: nothing was done, it may be tried again."""


class OutcomeUnknown(UpstreamError):
    """A write was sent, wholly or in part, and no answer that can be read came.

    It may have been carried out: the caller must not send it again, and looks the state up.
    """


class UpstreamRejected(UpstreamError):
    """The upstream said no; nothing was done. ``code`` is its own error code, "" if it gave none."""

    def __init__(
        self,
        reason: str = "",
        *,
        command: str = "",
        words: str = "",
        status: int | None = None,
        code: str = "",
    ) -> None:
        super().__init__(reason, command=command, words=words, status=status)
        self.code = code


class UpstreamBusy(UpstreamError):
    """Too many calls (429, or our own budget): nothing was done; wait ``retry_after_seconds``."""

    def __init__(
        self,
        reason: str = "",
        *,
        command: str = "",
        words: str = "",
        status: int | None = None,
        retry_after_seconds: float = 0.0,
    ) -> None:
        super().__init__(reason, command=command, words=words, status=status)
        self.retry_after_seconds = retry_after_seconds


class SignInLost(UpstreamError):
    """The access token is refused and could not be renewed: somebody has to sign in again."""


class UpstreamUnavailable(UpstreamError):
    """A read got no answer within its deadline. ``sent`` tells whether it had left the process."""

    def __init__(
        self,
        reason: str = "",
        *,
        command: str = "",
        words: str = "",
        status: int | None = None,
        sent: bool = False,
    ) -> None:
        super().__init__(reason, command=command, words=words, status=status)
        self.sent = sent


class NotUnderstood(UpstreamError):
    """A read was answered, but the answer is not what the reference says."""
