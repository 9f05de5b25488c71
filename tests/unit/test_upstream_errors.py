"""What each refusal of upstream means: the tables of HTTP errors and of errors inside a stream."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.accounts import Outcome
from grok2api.errors import (
    AccountDead,
    BadRequest,
    Challenged,
    Moderated,
    Overloaded,
    PromptTooLong,
    RateLimited,
    Rejected,
    Unauthorized,
    UpstreamError,
    UpstreamFailed,
)
from grok2api.upstream.errors import from_error_object, from_response
from grok2api.upstream.frames import read_events
from tests.simulator.faults import CHALLENGE, HTTP_FAULTS, Envelope
from tests.unit.grok_streams import PATIENT, frames_of, json_values

JSON, HTML, PLAIN = "application/json", "text/html; charset=UTF-8", "text/plain"
EXHAUSTED = RateLimited("", exhausted=True)
Wanted = type[Exception] | Exception


def envelopes(code: object, message: str) -> list[bytes]:
    """The envelope of unary endpoints, and the one of the streaming endpoint."""
    error = {"code": code, "message": message, "details": []}
    return [orjson.dumps(error), orjson.dumps({"error": error})]


def assert_is(error: Exception, wanted: Wanted) -> None:
    if isinstance(wanted, type):
        assert type(error) is wanted
        return
    assert type(error) is type(wanted)
    if isinstance(wanted, AccountDead):
        assert isinstance(error, AccountDead) and error.reason == wanted.reason
    if isinstance(wanted, RateLimited):
        assert isinstance(error, RateLimited)
        assert (error.wait_s, error.exhausted) == (wanted.wait_s, wanted.exhausted)


def dead(reason: str) -> AccountDead:
    return AccountDead("", reason)


BAD = "Bad credentials. [WKE=unauthenticated:bad-credentials]"
NONE = "No credentials presented. [WKE=unauthenticated:no-credentials]"
LOST = "Failed to look up session ID. [WKE=unauthenticated:invalid-credentials]"
BLOCKED = "User is blocked [WKE=unauthorized:blocked-user]"
DOMAIN = "This email domain has been rejected. Use another. [WKE=account:email-domain-rejected]"
ANTI_BOT = "Request rejected by anti-bot rules."
HEAVY = "Grok is under heavy usage right now."
REGION = "This service is not available in your region."

#: status, gRPC code, message -> the error; for both envelopes.
HTTP: list[tuple[int, object, str, Wanted]] = [
    (400, 3, "Unsupported model", Rejected),
    (400, 3, DOMAIN, dead("email_domain_rejected")),
    (403, 7, DOMAIN, dead("email_domain_rejected")),
    (401, 16, BAD, Unauthorized),
    (401, 16, NONE, Unauthorized),
    (403, 16, BAD, Unauthorized),
    (401, 16, "Bad session credentials. [WKE=unauthenticated:bad-credentials]", Unauthorized),
    (401, 16, LOST, dead("session_deleted")),
    (403, 16, LOST, dead("session_deleted")),
    (401, 16, "Failed to look up session ID.", dead("session_deleted")),
    (403, 7, BLOCKED, dead("blocked")),
    (401, 16, BLOCKED, dead("blocked")),
    (403, 7, "Session not found", dead("session_deleted")),
    (401, 16, "Gone. [WKE=unauthenticated:session-not-found]", dead("session_deleted")),
    (401, 16, "Token has been revoked.", dead("session_deleted")),
    (401, 16, "Old. [WKE=unauthenticated:token-expired]", dead("session_deleted")),
    (403, 7, "Your account has been suspended.", dead("suspended")),
    (403, 7, "No. [WKE=unauthorized:account-suspended]", dead("suspended")),
    (400, 3, "session not found in the tool's arguments", Rejected),
    (403, 7, ANTI_BOT, Challenged),
    (403, "content-moderated", "Content violates usage guidelines.", Moderated),
    (403, 7, "Not allowed.", UpstreamFailed),
    (429, 8, "Too many requests", RateLimited("")),
    (429, 8, HEAVY, Overloaded),
    (429, 8, "load_shed: no capacity", Overloaded),
    (429, 8, "You've reached your usage limit.", EXHAUSTED),
    (403, 7, REGION, Challenged),
    (403, 7, "Grok is not available in the region you are in.", Challenged),
    (403, 7, "Grok is not available in this country.", Challenged),
    (451, 7, "Unavailable for legal reasons", Challenged),
    (500, 13, "Internal error", UpstreamFailed),
    (503, 14, "Unavailable", UpstreamFailed),
    (404, 5, "Not found", Rejected),
    (413, 3, "Too large", Rejected),
    (418, 2, "Odd", UpstreamFailed),
]


@pytest.mark.parametrize(("status", "code", "message", "wanted"), HTTP)
@pytest.mark.parametrize("envelope", [0, 1], ids=["unary", "stream"])
def test_every_http_error_has_its_meaning(
    status: int, code: object, message: str, wanted: Wanted, envelope: int
) -> None:
    assert_is(from_response(status, JSON, envelopes(code, message)[envelope]), wanted)


@pytest.mark.parametrize(
    ("status", "content_type", "body", "wanted"),
    [
        (403, HTML, CHALLENGE, Challenged),
        (413, HTML, b"<html>413 Request Entity Too Large", Rejected),
        (403, "", b" \n<html>Just a moment", Challenged),
        (403, HTML, b"", Challenged),
        (403, JSON, b" \r\n", Challenged),
        (401, HTML, CHALLENGE, Challenged),
        (403, PLAIN, b"error code: 1020", Challenged),
        (403, JSON, b'["no object"]', Challenged),
        (401, JSON, b"", Unauthorized),
        (200, HTML, CHALLENGE, Challenged),
        (200, "TEXT/HTML", b"", Challenged),
        (502, HTML, b"<html>502</html>", UpstreamFailed),
        (503, PLAIN, b"upstream connect error", UpstreamFailed),
        (504, PLAIN, b"upstream request timeout", UpstreamFailed),
        (524, PLAIN, b"error code: 524", UpstreamFailed),
        (500, JSON, b"", UpstreamFailed),
        (429, PLAIN, b"Too many requests", RateLimited("")),
        (429, PLAIN, HEAVY.encode(), Overloaded),
        (429, JSON, b'{"error":"Too many requests"}', RateLimited("")),
        (429, JSON, b'{"error":{"code":8,"waitTimeSeconds":90}}', RateLimited("", 90)),
        (429, JSON, b'{"code":8,"waitTimeSeconds":0}', RateLimited("")),
        (429, JSON, b'{"code":8,"waitTimeSeconds":true}', RateLimited("")),
        (429, JSON, b'{"code":8,"waitTimeSeconds":"90"}', RateLimited("")),
        (429, JSON, b'{"code":8,"waitTimeSeconds":-5}', RateLimited("")),
        (429, JSON, b'{"code":8,"windowSizeSeconds":72000}', RateLimited("")),
        (429, JSON, b'{"code":8,"message":"usage limit","waitTimeSeconds":300}', RateLimited("", 300, True)),
        (400, JSON, b"null", Rejected),
        (400, JSON, b"", Rejected),
        (401, JSON, b"[]", Unauthorized),
        (302, "", b"", UpstreamFailed),
    ],
)
def test_bodies_that_are_no_envelope_are_understood_too(
    status: int, content_type: str, body: bytes, wanted: Wanted
) -> None:
    assert_is(from_response(status, content_type, body), wanted)


@pytest.mark.parametrize("name", sorted(set(HTTP_FAULTS) - {"empty_200"}))
def test_the_simulators_faults_mean_what_they_are_named_for(name: str) -> None:
    wanted: dict[str, Wanted] = {
        "429": RateLimited(""), "429_exhausted": RateLimited(""), "429_heavy_usage": Overloaded,
        "401": Unauthorized, "401_invalid": dead("session_deleted"), "401_none": Unauthorized,
        "403_cloudflare": Challenged, "403_empty": Challenged, "403_antibot": Challenged,
        "403_blocked": dead("blocked"), "403_moderated": Moderated, "403_region": Challenged,
        "403_odd": UpstreamFailed,
        "400_domain": dead("email_domain_rejected"), "400_bad": Rejected, "500": UpstreamFailed,
        "502_html": UpstreamFailed, "503": UpstreamFailed, "504": UpstreamFailed, "524": UpstreamFailed,
        "html_200": Challenged,
    }  # fmt: skip
    fault = HTTP_FAULTS[name]
    if isinstance(fault, Envelope):
        bodies, kind = envelopes(fault.code, fault.message), JSON
    else:
        bodies, kind = [fault.body], fault.content_type
    for body in bodies:
        assert_is(from_response(fault.status, kind, body), wanted[name])


#: An error object inside a stream -> the error.
STREAM: list[tuple[object, Wanted]] = [
    ({"code": 8, "message": "Too many requests", "details": []}, RateLimited("")),
    ({"code": 8, "message": "x", "waitTimeSeconds": 7.5}, RateLimited("", 7.5)),
    ({"code": 8, "message": HEAVY}, Overloaded),
    ({"code": 7, "message": ANTI_BOT}, Challenged),
    ({"code": 7, "message": BLOCKED}, dead("blocked")),
    ({"code": 7, "message": "Forbidden"}, UpstreamFailed),
    ({"code": 16, "message": BAD}, Unauthorized),
    ({"code": 16, "message": LOST}, dead("session_deleted")),
    ({"code": 3, "message": "bad field"}, Rejected),
    ({"code": 13, "message": "Internal error"}, UpstreamFailed),
    ({"code": "content-moderated", "message": "no"}, Moderated),
    ("some text", UpstreamFailed),
    ("You've reached your usage limit.", EXHAUSTED),
    ({"message": "ResourceExhausted: load_shed", "severity": "STREAM_ERROR_SEVERITY_NORMAL"}, Overloaded),
    ({"message": "You've reached your usage limit. Please try again later."}, EXHAUSTED),
    ({"usageLimitReached": {}, "waitTimeSeconds": 300}, RateLimited("", 300, True)),
    ({"modelNotAvailable": {}}, Overloaded),
    ({"usageLimitReached": {"midTurn": True}}, EXHAUSTED),
    ({"usagePoolExhausted": {}}, EXHAUSTED),
    ({"globalRateLimit": {}}, Overloaded),
    ({"concurrencyLimit": {}}, Overloaded),
    ({"contentModerated": {}, "severity": "STREAM_ERROR_SEVERITY_FATAL"}, Moderated),
    ({"beyondContextLength": {}}, PromptTooLong),
    ({"userPromptTooLong": {}}, PromptTooLong),
    ({"internalError": {}}, UpstreamFailed),
    ({"requestCancelled": {}}, UpstreamFailed),
    ({"systemKillSwitch": {}}, UpstreamFailed),
    ({"internalError": {}, "usageLimitReached": None, "userPromptTooLong": None}, UpstreamFailed),
    ({}, UpstreamFailed),
    (None, UpstreamFailed),
    (["x"], UpstreamFailed),
    (True, UpstreamFailed),
]


@pytest.mark.parametrize(("error", "wanted"), STREAM)
def test_every_error_inside_a_stream_has_its_meaning(error: object, wanted: Wanted) -> None:
    assert_is(from_error_object(error), wanted)


@pytest.mark.parametrize(("error", "wanted"), [row for row in STREAM if row[0]])
@pytest.mark.parametrize("place", ["the line", "response", "a continued response", "modelResponse"])
def test_an_error_counts_wherever_it_stands(error: object, wanted: Wanted, place: str) -> None:
    lines: dict[str, Any] = {
        "the line": {"error": error},
        "response": {"result": {"response": {"error": error, "responseId": "a-1"}}},
        "a continued response": {"result": {"error": error}},
        "modelResponse": {"result": {"response": {"modelResponse": {"message": "", "error": error}}}},
    }
    with pytest.raises((UpstreamError, BadRequest)) as caught:
        list(read_events([orjson.dumps(lines[place])]))
    assert_is(caught.value, wanted)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("error_first", RateLimited("")),
        ("error_first_7", Challenged),
        ("error_first_13", UpstreamFailed),
        ("error_first_16", Unauthorized),
        ("error_string", UpstreamFailed),
        ("error_mid", RateLimited("")),
        ("load_shed", Overloaded),
        ("usage_limit", EXHAUSTED),
        ("too_long", PromptTooLong),
        ("moderated_stream", Moderated),
        ("internal_stream", UpstreamFailed),
        ("concurrency_stream", Overloaded),
        ("model_response_error", UpstreamFailed),
    ],
)
def test_streams_that_fail_raise_what_they_failed_of(name: str, wanted: Wanted) -> None:
    with pytest.raises((UpstreamError, BadRequest)) as caught:
        list(read_events(frames_of(name)))
    assert_is(caught.value, wanted)


def test_stream_errors_of_a_model_response_count_too() -> None:
    line = {
        "result": {"response": {"modelResponse": {"message": "", "streamErrors": [{"internalError": {}}]}}}
    }
    with pytest.raises(UpstreamFailed):
        list(read_events([orjson.dumps(line)]))


@pytest.mark.parametrize(
    "word", ["rate limit", "usage limit", "anti-bot", "load_shed", "[WKE=a:blocked-user]"]
)
def test_words_in_an_answer_are_no_error(word: str) -> None:
    events = list(read_events(frames_of("message_only", tokens64="WyJ4Il0")))  # ["x"]
    assert events
    line = {"result": {"response": {"token": word, "isSoftStop": True, "error": None}}}
    assert len(list(read_events([orjson.dumps(line)]))) == 2


@pytest.mark.parametrize(
    ("kind", "outcome", "failover"),
    [
        (Rejected, Outcome.OUR_FAULT, False),
        (Moderated, Outcome.OUR_FAULT, False),
        (Challenged, Outcome.CHALLENGED, True),
        (Overloaded, Outcome.CAPACITY, True),
        (RateLimited, Outcome.RATE_LIMITED, True),
        (Unauthorized, Outcome.UNAUTHORIZED, True),
        (AccountDead, Outcome.DEAD, True),
        (UpstreamFailed, Outcome.FAILED, True),
    ],
)
def test_each_error_says_what_it_means_for_the_account(
    kind: type[UpstreamError], outcome: Outcome, failover: bool
) -> None:
    assert (kind.outcome, kind.failover) == (outcome, failover)


@given(st.integers(100, 599), st.sampled_from((JSON, HTML, PLAIN, "")), st.binary(), json_values())
@settings(PATIENT, max_examples=100)
def test_any_answer_is_one_of_our_errors(status: int, kind: str, body: bytes, value: object) -> None:
    for error in (
        from_response(status, kind, body),
        from_error_object(value),
        from_error_object({"code": value}),
    ):
        assert isinstance(error, UpstreamError | BadRequest) and error.message


@pytest.mark.parametrize("message", ["eyJhbGciOi.secret.value", "<b>raw</b>"])
def test_no_message_carries_upstreams_own_words(message: str) -> None:
    for status in (400, 401, 403, 404, 429, 451, 500):
        for body in (*envelopes(3, message), message.encode()):
            assert message not in from_response(status, JSON, body).message
    assert message not in from_error_object(message).message
