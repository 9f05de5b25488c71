"""Our errors, one class per thing that somebody does differently. No HTTP in here.

GatewayError
├── ConfigurationError            a wrong variable, file or argument: one line for the operator
├── SettingError                  a setting's value is wrong; `name` says which
├── BadRequest                    the client's request is wrong; `param` names where
│   ├── UnknownModel
│   ├── UnknownResponse
│   └── PromptTooLong             upstream's word
├── AnswerUnfit                   the answer is not of the form that the client insists on
├── UnknownMedia                  not a picture or video that this gateway handed out
├── MediaBusy                     as many files are on their way from upstream as may be
├── LinkExpired                   a link to media without a good signature
├── NoAccount                     nothing to serve with; carries the `Shortage`
├── StorageUnavailable            the repository is away
├── ServerStopping                the worker ends before the answer does
└── UpstreamError                 upstream did not answer; `outcome` is what it means for the account
    ├── Rejected                  upstream calls our request wrong: no penalty, no failover
    ├── Moderated                 upstream refuses the content: no penalty, no failover
    ├── NoMedia                   upstream answered well, but without the picture or video that was to be made
    ├── MediaLost                 upstream gives a picture or video no more, or its account is gone
    ├── Challenged                Cloudflare or anti-bot: no penalty, failover, the operator must act
    ├── Unreachable               no connection at all: no penalty, no failover
    ├── Overloaded                upstream's capacity: seconds of rest, failover
    ├── RateLimited               429; `wait_s` when upstream said how long, `exhausted` when it said so
    ├── Unauthorized              a plain 401: counted
    ├── AccountDead               blocked, deleted, rejected: expired at once
    └── UpstreamFailed            5xx, reset, empty or broken answer: an ordinary error
        └── UpstreamTimeout       it took too long

Messages are written for the client and never contain an account's secret or upstream's raw body.
"""

from __future__ import annotations

from typing import ClassVar

from grok2api.accounts import Outcome, Shortage


class GatewayError(Exception):
    """Base of all errors that the gateway raises on purpose."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class ConfigurationError(GatewayError):
    """Start-up or a command cannot go on; the message says what to change."""


class SettingError(GatewayError):
    """A value that a setting does not take. `name`: the setting."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class BadRequest(GatewayError):
    """The request cannot be served as it is. `param`: the field, in the client's own naming."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


class UnknownModel(BadRequest):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"The model `{name}` does not exist. GET /v1/models lists the models.", "model", "model_not_found"
        )


class UnknownResponse(BadRequest):
    def __init__(self, id_: str) -> None:
        super().__init__(f"Response with id '{id_[:100]}' not found.")


class PromptTooLong(BadRequest):
    def __init__(self) -> None:
        super().__init__(
            "The conversation is longer than the model takes. Shorten it.",
            "messages",
            "context_length_exceeded",
        )


class UnknownMedia(GatewayError):
    def __init__(self) -> None:
        super().__init__("There is no such picture or video here.")


class MediaBusy(GatewayError):
    def __init__(self, kind: str) -> None:
        super().__init__(f"Too many {kind}s are being fetched from Grok right now. Try again in a while.")


class LinkExpired(GatewayError):
    def __init__(self) -> None:
        super().__init__(
            "This link has expired, or its signature is wrong. Ask for the picture or video anew."
        )


class AnswerUnfit(GatewayError):
    """The model did not keep to the schema, with `strict` set."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The model's answer is not of the form that was asked for: {problem}")


class NoAccount(GatewayError):
    """No account is fit. `shortage` says why and when the first one returns."""

    def __init__(self, shortage: Shortage) -> None:
        super().__init__(shortage.describe())
        self.shortage = shortage


class StorageUnavailable(GatewayError):
    """The repository cannot be reached or is locked for too long."""


class ServerStopping(GatewayError):
    def __init__(self) -> None:
        super().__init__("This server is being stopped, and the answer took too long to wait for. Try again.")


class UpstreamError(GatewayError):
    """Upstream did not give an answer. `outcome`: what that means for the account that was used."""

    outcome: ClassVar[Outcome]
    #: upstream's HTTP status, when it was more than a connection that failed
    status: int | None = None
    #: the field of the client's request that it is about, when it is about one
    param: str | None = None
    #: whether another account may succeed where this one did not
    failover: ClassVar[bool] = True


class Rejected(UpstreamError):
    outcome = Outcome.OUR_FAULT
    failover = False


class Moderated(UpstreamError):
    outcome = Outcome.OUR_FAULT
    failover = False


class NoMedia(UpstreamError):
    outcome = Outcome.SUCCESS
    failover = False


class MediaLost(UpstreamError):
    outcome = Outcome.SUCCESS
    failover = False

    def __init__(self, why: str) -> None:
        super().__init__(f"This picture or video cannot be had any more: {why}.")


class Challenged(UpstreamError):
    outcome = Outcome.CHALLENGED


class Unreachable(UpstreamError):
    outcome = Outcome.CHALLENGED  # like it: the way out is at fault, not the account
    failover = False


class Overloaded(UpstreamError):
    outcome = Outcome.CAPACITY


class RateLimited(UpstreamError):
    """`wait_s`: seconds, only when upstream named them. `exhausted`: upstream said the quota is gone."""

    outcome = Outcome.RATE_LIMITED

    def __init__(self, message: str, wait_s: float | None = None, exhausted: bool = False) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        self.exhausted = exhausted


class Unauthorized(UpstreamError):
    outcome = Outcome.UNAUTHORIZED


class AccountDead(UpstreamError):
    """`reason`: one of `blocked`, `suspended`, `session_deleted`, `email_domain_rejected`."""

    outcome = Outcome.DEAD

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class UpstreamFailed(UpstreamError):
    outcome = Outcome.FAILED


class UpstreamTimeout(UpstreamFailed):
    pass
