"""Clients' URLs: what may be reached, how much of it and for how long."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from grok2api.errors import BadRequest
from grok2api.upstream.fetch import MAX_BYTES, MAX_REDIRECTS, Fetcher, is_public
from tests.unit.http_place import Answers, Authority, HttpPlace, Names, answer, redirect

PUBLIC = "93.184.215.14"
PUBLIC_V6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
MIB = 1024 * 1024

Resolve = Callable[..., Names]


class Connects:
    """The addresses that this process connects to, as the interpreter itself reports them."""

    def __init__(self) -> None:
        self.seen: list[object] | None = None
        sys.addaudithook(self._hear)  # cannot be taken back, so there is one

    def _hear(self, event: str, args: tuple[object, ...]) -> None:
        if event == "socket.connect" and self.seen is not None:
            self.seen.append(args[1])

    @contextmanager
    def watched(self) -> Iterator[list[object]]:
        self.seen = []
        try:
            yield self.seen
        finally:
            self.seen = None


_connects = Connects()


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Makes names known for the rest of the test."""

    def install(
        known: Mapping[str, Sequence[Sequence[str]]] | None = None, routes: Mapping[str, str] | None = None
    ) -> Names:
        names = Names(known or {}, routes)
        monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
        return names

    return install


def serving(answers: Answers) -> AbstractContextManager[HttpPlace]:
    return HttpPlace(answers)


def refusal(fetcher: Fetcher, url: str) -> str:
    with pytest.raises(BadRequest) as caught:
        fetcher.fetch(url)
    assert "\n" not in caught.value.message
    assert caught.value.param is None
    return caught.value.message


def fetch_local(answers: Answers, path: str = "/", total_s: float = 5) -> bytes:
    with serving(answers) as place:
        return Fetcher([f"127.0.0.1:{place.port}"], total_s).fetch(f"http://127.0.0.1:{place.port}{path}")


def refused_local(answers: Answers, path: str = "/", total_s: float = 5) -> str:
    with serving(answers) as place:
        fetcher = Fetcher([f"127.0.0.1:{place.port}"], total_s)
        return refusal(fetcher, f"http://127.0.0.1:{place.port}{path}")


PRIVATE = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255",
    "192.168.0.1", "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "100.127.255.255", "192.0.0.1",
    "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "fe80::1", "fe80::1%lo", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::7f00:1", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1",
    "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
    "4000::1", "::ffff:8.8.8.8%1", "", "example.com", "1.2.3", "2130706433",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", PUBLIC, "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.255",
     PUBLIC_V6, "2001:4860:4860::8888", "2400::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"],
)  # fmt: skip
def test_an_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address", [address for address in PRIVATE if ":" in address or address.count(".") == 3]
)
def test_a_name_that_leads_to_an_address_that_is_not_public_is_refused(
    address: str, resolve: Resolve
) -> None:
    names = resolve({"pictures.test": [[address]]})
    with _connects.watched() as connected:
        assert refusal(Fetcher([]), "http://pictures.test/") == "its address is not public."
    assert (names.asked, connected) == (["pictures.test"], [])


NOT_PUBLIC = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0177.0.0.1", "017700000001", "0x7f.1", "0x7f000001", "0x7F.0.0.0x1",
    "0.0.0.0", "0", "10.0.0.1", "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[0:0:0:0:0:0:0:1]", "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]",
    "localhost", "localhost.", "LOCALHOST", "metadata.google.internal", "metadata.google.internal.", "nas",
    "１２７.０.０.１", "127。0。0。1", "①②⑦.0.0.1", "ｌｏｃａｌｈｏｓｔ", "localhost。", "２１３０７０６４３３",
]  # fmt: skip
_INTERNAL = {
    "localhost": [["127.0.0.1", "::1"]],
    "localhost.": [["::1", "127.0.0.1"]],
    "metadata.google.internal": [["169.254.169.254"]],
    "metadata.google.internal.": [["169.254.169.254"]],
    "nas": [["192.168.1.5"]],
}


@pytest.mark.parametrize("host", NOT_PUBLIC)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_host_that_is_not_public_is_refused_unconnected(scheme: str, host: str, resolve: Resolve) -> None:
    resolve(_INTERNAL)
    with serving({"/": answer(b"secret")}) as place, _connects.watched() as connected:
        message = refusal(Fetcher([]), f"{scheme}://{host}:{place.port}/")
        assert message == "its address is not public."
        assert (place.accepted, connected) == (0, [])


NOT_VALID = [
    "http://127.0.0.1%2f@{p}/", "http://%31%32%37.0.0.1:{p}/", "http://127.0.0.1%00.test:{p}/", "http://[::1%25lo]:{p}/",
    "http://[fe80::1%lo]:{p}/", "http://[127.0.0.1]:{p}/", "http://[v1.a]:{p}/", "http://[::1:{p}/", "http://::1:{p}/",
    "http://user@127.0.0.1:{p}/", "http://user:pass@127.0.0.1:{p}/", "http://pictures.test@127.0.0.1:{p}/",
    "http://pictures.test\\@127.0.0.1:{p}/", "http://127.0.0.1\\.pictures.test:{p}/", "http://127.0.0.1:{p}\\@x.test/",
    "http://127.0.0.1:0/", "http://127.0.0.1:65536/", "http://127.0.0.1:x/", "http://127.0.0.1:+80/", "http://127.0.0.1:８0/",
    "http://127.0.0.1 :{p}/", "http://a b.test/", "http://127.0.0.1:{p}/\r\nX: y", "http://127.0.0.1\t:{p}/",
    "http:///x", "http:/127.0.0.1:{p}/", "http:127.0.0.1:{p}", "//127.0.0.1:{p}/", "127.0.0.1:{p}", "", "http://",
    "ftp://127.0.0.1:{p}/", "file:///etc/passwd", "gopher://127.0.0.1:{p}/_", "data:image/png;base64,AA", "unix:/x",
    "http+unix://x/", "http://..:{p}/", "http://.test/", "http://a..test/", "http://-{long}.test/", "http://\ud800.test/",
    "http://pictures.test/\ud800", "http://127.0.0.1℀.test/", "http://a／b.test/",
]  # fmt: skip


@pytest.mark.parametrize("url", NOT_VALID)
def test_what_is_no_plain_web_address_is_refused_unresolved(url: str, resolve: Resolve) -> None:
    names = resolve()
    with serving({"/": answer(b"secret")}) as place, _connects.watched() as connected:
        url = url.replace("{p}", str(place.port)).replace("{long}", "a" * 64)
        message = refusal(Fetcher([f"127.0.0.1:{place.port}", f"[::1]:{place.port}"]), url)
        assert message.endswith((" URL.", "not valid.", "not supported."))
        assert (names.asked, connected) == ([], [])


def test_a_url_that_is_too_long_is_refused() -> None:
    assert "8192 characters" in refusal(Fetcher([]), "http://pictures.test/" + "a" * 8192)


@pytest.mark.parametrize(
    "addresses", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::1"], [PUBLIC_V6, "127.0.0.1"]]
)
def test_one_address_that_is_not_public_is_enough(addresses: list[str], resolve: Resolve) -> None:
    resolve({"mixed.test": [addresses]})
    with _connects.watched() as connected:
        assert refusal(Fetcher([]), "http://mixed.test/") == "its address is not public."
    assert connected == []


def test_a_name_is_looked_up_once_and_its_checked_address_connected_to(resolve: Resolve) -> None:
    names = resolve({"rebound.test": [[PUBLIC], ["127.0.0.1"]]}, {PUBLIC: "127.0.0.1"})
    with serving({"/a": answer(b"picture")}) as place:
        assert Fetcher([]).fetch(f"http://rebound.test:{place.port}/a") == b"picture"
        assert f"Host: rebound.test:{place.port}\r\n" in place.seen[0]
    assert (names.asked, names.connected) == (["rebound.test"], [PUBLIC])


def test_a_name_that_changes_between_redirects_is_checked_anew(resolve: Resolve) -> None:
    names = resolve({"rebound.test": [[PUBLIC], ["127.0.0.1"]]}, {PUBLIC: "127.0.0.1"})
    with serving({"/a": redirect("/b"), "/b": answer(b"secret")}) as place:
        assert refusal(Fetcher([]), f"http://rebound.test:{place.port}/a") == "its address is not public."
        assert place.accepted == 1
    assert names.asked == ["rebound.test", "rebound.test"]


def test_a_name_that_does_not_exist_is_refused(resolve: Resolve) -> None:
    resolve()
    assert refusal(Fetcher([]), "http://nowhere.test/") == "its host name could not be resolved."


def test_addresses_are_tried_in_their_order(resolve: Resolve) -> None:
    names = resolve({"twice.test": [["127.0.0.9", "127.0.0.1"]]})
    with socket.create_server(("127.0.0.1", 0)) as lone:
        port = lone.getsockname()[1]
        with HttpPlace({"/": answer(b"x")}) as place:
            fetcher = Fetcher([f"twice.test:{place.port}", f"twice.test:{port}"], 1)
            with _connects.watched() as connected:
                assert fetcher.fetch(f"http://twice.test:{place.port}/") == b"x"
                assert "did not arrive" in refusal(fetcher, f"http://twice.test:{port}/")
    assert connected == [("127.0.0.9", place.port), ("127.0.0.9", port), ("127.0.0.1", port)]
    assert names.asked == ["twice.test"] * 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:{p}/secret", "http://2130706433:{p}/", "//0x7f.1:{p}/", "http://[::1]:{p}/", "http://nas/",
     "http://169.254.169.254/latest/meta-data/"],
)  # fmt: skip
def test_a_redirect_to_a_place_that_is_not_public_is_refused(
    status: int, target: str, resolve: Resolve
) -> None:
    resolve({"pictures.test": [[PUBLIC]], "nas": [["192.168.1.5"]]}, {PUBLIC: "127.0.0.1"})
    with HttpPlace({}) as inner:
        location = target.replace("{p}", str(inner.port))
        with serving({"/": redirect(location, status)}) as place, _connects.watched() as connected:
            message = refusal(Fetcher([]), f"http://pictures.test:{place.port}/")
            assert message == "its address is not public."
            assert (len(connected), inner.accepted) == (1, 0)


@pytest.mark.parametrize(
    "target", ["ftp://a.test/", "file:///etc/passwd", "http://u:p@a.test/", "http://[::1", "data:,x"]
)
def test_a_redirect_to_what_is_no_web_address_is_refused(target: str) -> None:
    refused_local({"/": redirect(target)})


def test_an_allowed_place_may_not_redirect_to_another(resolve: Resolve) -> None:
    resolve()
    with HttpPlace({"/": answer(b"secret")}) as inner:
        message = refused_local({"/": redirect(f"http://127.0.0.1:{inner.port}/")})
        assert (message, inner.accepted) == ("its address is not public.", 0)


def test_redirects_are_followed_up_to_a_limit() -> None:
    chain = {f"/{n}": redirect(f"{n + 1}") for n in range(MAX_REDIRECTS)}
    assert fetch_local({**chain, f"/{MAX_REDIRECTS}": answer(b"end")}, "/0") == b"end"
    over = {**chain, f"/{MAX_REDIRECTS}": redirect("/end"), "/end": answer(b"end")}
    assert refused_local(over, "/0") == "it redirects more than 5 times."
    assert refused_local({"/": redirect("/")}) == "it redirects more than 5 times."


def test_a_redirect_without_a_target_is_refused() -> None:
    assert refused_local({"/": answer(status=302)}) == "its server answered with status 302."


def test_a_redirect_may_have_letters_of_any_script() -> None:
    answers = {"/": answer(status=302, Location="/bücher?é=1"), "/b%C3%BCcher?%C3%A9=1": answer(b"x")}
    assert fetch_local(answers) == b"x"


def test_path_and_query_arrive_as_they_were_sent() -> None:
    target = "/a%20b/c%2Fd;e=1,2?x=a%26b&y=[1]&z=é#part".replace("[1]", "%5B1%5D")
    answers = {"/a%20b/c%2Fd;e=1,2?x=a%26b&y=%5B1%5D&z=%C3%A9": answer(b"x")}
    assert fetch_local(answers, target) == b"x"
    assert fetch_local({"/a%20b": answer(b"x")}, "/a b") == b"x"
    assert fetch_local({"/?q": answer(b"x")}, "?q") == b"x"


def test_the_request_is_plain() -> None:
    with serving({"/": answer(b"x")}) as place:
        Fetcher([f"127.0.0.1:{place.port}"]).fetch(f" HTTP://127.0.0.1:{place.port}\n")
        head = place.seen[0].splitlines()
    assert head[0] == "GET / HTTP/1.1"
    assert sorted(line for line in head[1:] if line) == [
        "Accept-Encoding: identity", "Accept: image/*", f"Host: 127.0.0.1:{place.port}", "User-Agent: Grok2API",
    ]  # fmt: skip


def test_cookies_and_connections_are_not_kept() -> None:
    with serving({"/": answer(b"x", Set_Cookie="a=b; Path=/")}) as place:
        fetcher = Fetcher([f"127.0.0.1:{place.port}"])
        for _ in range(2):
            fetcher.fetch(f"http://127.0.0.1:{place.port}/")
        assert place.accepted == 2
        assert "Cookie" not in place.seen[1]


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpPlace({}) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert fetch_local({"/": answer(b"x")}) == b"x"
        assert proxy.accepted == 0


@pytest.mark.parametrize(
    ("allow", "url", "allowed"),
    [
        ("127.0.0.1:{p}", "http://127.0.0.1:{p}/", True),
        ("nas.test:{p}", "http://NAS.test:{p}/", True),
        ("[::1]:{p}", "http://[::1]:{p}/", True),
        ("[::1]:{p}", "http://[0:0::0:1]:{p}/", True),
        ("[0::1]:{p}", "http://[::1]:{p}/", True),
        ("127.0.0.1:80", "http://127.0.0.1:{p}/", False),
        ("127.0.0.1:1{p}", "http://127.0.0.1:{p}/", False),
        ("127.0.0.1", "http://127.0.0.1:{p}/", False),
        ("nas.test:{p}", "http://127.0.0.1:{p}/", False),
        ("nas.test:{p}", "http://nas.test.:{p}/", False),
        ("nas.test:{p}", "http://other.nas.test:{p}/", False),
        ("127.0.0.1:{p}", "http://127.0.0.2:{p}/", False),
        ("127.0.0.1:{p}", "http://127.1:{p}/", False),
        ("127.0.0.1:{p}", "http://nas.test:{p}/", False),
        ("::1:{p}", "http://[::1]:{p}/", False),
    ],
)
def test_the_allowed_place_alone_is_allowed(allow: str, url: str, allowed: bool, resolve: Resolve) -> None:
    resolve({name: [["127.0.0.1"]] for name in ("nas.test", "nas.test.", "other.nas.test")})
    with serving({"/": answer(b"x")}) as place:
        fetcher = Fetcher([allow.replace("{p}", str(place.port))])
        url = url.replace("{p}", str(place.port))
        if allowed:
            assert fetcher.fetch(url) == b"x"
        else:
            assert refusal(fetcher, url) == "its address is not public."
            assert place.accepted == 0


def test_the_default_port_belongs_to_an_allowed_place(resolve: Resolve) -> None:
    resolve({"nas.test": [["127.0.0.1"]]})
    with _connects.watched() as connected:
        refusal(Fetcher(["nas.test:80"]), "http://nas.test/")
        assert refusal(Fetcher(["nas.test:80"]), "https://nas.test/") == "its address is not public."
        refusal(Fetcher(["nas.test:443"]), "https://nas.test/")
    assert connected == [("127.0.0.1", 80), ("127.0.0.1", 443)]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def secured(authority: Authority, name: str, answers: Answers) -> HttpPlace:
    return HttpPlace(answers, authority.server_context(name))


@pytest.mark.parametrize("host", ["pictures.test", "pictures.test.", "PICTURES.test"])
def test_a_certificate_is_checked_against_the_name(host: str, authority: Authority, resolve: Resolve) -> None:
    resolve({name: [[PUBLIC]] for name in ("pictures.test", "pictures.test.")}, {PUBLIC: "127.0.0.1"})
    with secured(authority, "pictures.test", {"/": answer(b"x")}) as place:
        fetcher = Fetcher([], ca_file=str(authority.file))
        assert fetcher.fetch(f"https://{host}:{place.port}/") == b"x"
        assert f"Host: {host.lower()}:{place.port}\r\n" in place.seen[0]


def test_a_certificate_of_another_name_is_refused(authority: Authority, resolve: Resolve) -> None:
    resolve({"pictures.test": [[PUBLIC]]}, {PUBLIC: "127.0.0.1"})
    for name in ("other.test", PUBLIC, "127.0.0.1"):
        with secured(authority, name, {"/": answer(b"x")}) as place:
            message = refusal(
                Fetcher([], ca_file=str(authority.file)), f"https://pictures.test:{place.port}/"
            )
            assert message.startswith("its TLS certificate could not be verified")
            assert place.seen == []


def test_a_certificate_of_an_unknown_authority_is_refused(authority: Authority, resolve: Resolve) -> None:
    resolve({"pictures.test": [[PUBLIC]]}, {PUBLIC: "127.0.0.1"})
    with secured(authority, "pictures.test", {"/": answer(b"x")}) as place:
        assert refusal(Fetcher([]), f"https://pictures.test:{place.port}/").startswith("its TLS certificate")
        assert place.seen == []


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_may_have_a_certificate(host: str, authority: Authority) -> None:
    shown = f"[{host}]" if ":" in host else host
    with secured(authority, host, {"/": answer(b"x")}) as place:
        fetcher = Fetcher([f"{shown}:{place.port}"], ca_file=str(authority.file))
        assert fetcher.fetch(f"https://{shown}:{place.port}/") == b"x"


def test_a_redirect_from_https_to_http_is_refused(authority: Authority, resolve: Resolve) -> None:
    resolve({"pictures.test": [[PUBLIC]]}, {PUBLIC: "127.0.0.1"})
    fetcher = Fetcher([], ca_file=str(authority.file))
    with (
        serving({"/": answer(b"x")}) as plain,
        secured(authority, "pictures.test", {"/": redirect(f"http://pictures.test:{plain.port}/")}) as place,
    ):
        message = refusal(fetcher, f"https://pictures.test:{place.port}/")
        assert (message, plain.accepted) == ("it redirects from https to http.", 0)
        with serving({"/": redirect(f"https://pictures.test:{place.port}/x")}) as up:
            refusal(Fetcher([], 0.5, str(authority.file)), f"http://pictures.test:{up.port}/")
            assert len(place.seen) == 2  # from http to https it goes


def test_tls_spoken_to_a_plain_server_is_refused() -> None:
    with serving({}) as place:
        fetcher = Fetcher([f"127.0.0.1:{place.port}"], 1)
        refusal(fetcher, f"https://127.0.0.1:{place.port}/")


def chunked(pieces: Iterable[bytes], end: bool = True) -> Callable[[], Iterator[bytes]]:
    def script() -> Iterator[bytes]:
        yield answer(Content_Length="", Transfer_Encoding="chunked")
        for piece in pieces:
            yield b"%x\r\n%s\r\n" % (len(piece), piece)
        if end:
            yield b"0\r\n\r\n"

    return script


@pytest.mark.parametrize("size", [0, 1, MIB, MAX_BYTES])
def test_a_body_up_to_the_limit_arrives_whole(size: int) -> None:
    body = b"x" * size
    assert fetch_local({"/": answer(body)}) == body
    assert fetch_local({"/": answer(body, Content_Length="")}) == body
    assert fetch_local({"/": chunked([body] if body else [])}) == body


def test_a_declared_size_over_the_limit_is_refused_before_it_is_read() -> None:
    for declared in (MAX_BYTES + 1, 10**18, 10**30):
        assert refused_local({"/": answer(Content_Length=str(declared))}) == "it is larger than 20 MiB."


def test_an_undeclared_size_over_the_limit_is_refused() -> None:
    body = b"x" * (MAX_BYTES + 1)
    assert refused_local({"/": answer(body, Content_Length="")}) == "it is larger than 20 MiB."
    assert refused_local({"/": chunked([b"x" * MIB] * 21)}) == "it is larger than 20 MiB."


@pytest.mark.parametrize(
    "script",
    [answer(b"x", Content_Length="10"), chunked([b"x"], end=False), b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n",
     b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n",
     answer(Content_Length="", Transfer_Encoding="chunked") + b"zz\r\n"],
)  # fmt: skip
def test_an_answer_that_breaks_off_or_is_none_is_refused(script: bytes) -> None:
    assert refused_local({"/": script}) == "the connection to its server failed or broke off."


def test_a_connection_that_is_refused_says_no_more_than_that() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    message = refusal(Fetcher([f"127.0.0.1:{port}"]), f"http://127.0.0.1:{port}/")
    assert message == "the connection to its server failed or broke off."


@pytest.mark.parametrize(
    "kind",
    ["image/png", "image/svg+xml", "IMAGE/JPEG; q=1", "application/octet-stream", "binary/octet-stream", ""],
)
def test_a_picture_or_an_unknown_type_is_taken(kind: str) -> None:
    assert fetch_local({"/": answer(b"x", Content_Type=kind)}) == b"x"


@pytest.mark.parametrize(
    "kind", ["text/html", "application/json", "video/mp4", "imagine/png", "text/plain; image/png"]
)
def test_another_type_is_refused(kind: str) -> None:
    assert "not an image" in refused_local({"/": answer(b"x", Content_Type=kind)})


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, identity"])
def test_a_body_in_an_encoding_is_refused(encoding: str) -> None:
    assert "Content-Encoding" in refused_local({"/": answer(b"x", Content_Encoding=encoding)})


def test_identity_is_no_encoding() -> None:
    assert fetch_local({"/": answer(b"x", Content_Encoding="Identity")}) == b"x"


@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 401, 403, 404, 410, 500, 503])
def test_another_status_is_refused(status: int) -> None:
    body = b"" if status in (204, 304) else b"x"
    assert refused_local({"/": answer(body, status)}) == f"its server answered with status {status}."


def test_silence_is_refused_in_time_unpatched_too() -> None:
    assert refused_local({}, total_s=0.3) == "it did not arrive within 0.3 s."


class Patched:
    """What came of a fetch in a patched process."""

    def __init__(self, url: str, allow: str, total_s: float = 0.5, lookup_s: float = 0) -> None:
        command = [sys.executable, "-m", "tests.unit.fetch_patched", url, allow, str(total_s), str(lookup_s)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=30, check=True, cwd=Path(__file__).parents[2]
        )
        assert done.stderr == ""
        result = json.loads(done.stdout)
        self.message: str = result["message"]
        self.took: float = result["took"]
        self.ticks: int = result["ticks"]
        self.sockets: int = result["sockets"]


def dripping(first: bytes) -> Callable[[], Iterator[bytes]]:
    def script() -> Iterator[bytes]:
        yield first
        for _ in range(600):
            _pause.wait(0.02)
            yield b"x"

    import threading

    _pause = threading.Event()
    return script


@pytest.mark.parametrize(
    "script",
    [
        dripping(answer(Content_Length="100000")),
        dripping(answer(Content_Length="")),
        dripping(b"HTTP/1.1 200 OK\r\nX-Drip: "),
        dripping(answer(Content_Length="", Transfer_Encoding="chunked") + b"fffff\r\n"),
        None,
    ],
    ids=["declared body", "body", "head", "chunk", "nothing"],
)
def test_dripping_ends_in_time_while_other_greenlets_run(
    script: Callable[[], Iterator[bytes]] | None,
) -> None:
    with HttpPlace({"/": script} if script else {}) as place:
        result = Patched(f"http://127.0.0.1:{place.port}/", f"127.0.0.1:{place.port}")
        assert result.message == "it did not arrive within 0.5 s."
        assert 0.4 < result.took < 1.5
        assert result.ticks > 10


def test_redirects_share_the_time() -> None:
    def slow() -> Iterator[bytes]:
        place.pause(0.2)
        yield redirect("/")

    with HttpPlace({"/": slow}) as place:
        result = Patched(f"http://127.0.0.1:{place.port}/", f"127.0.0.1:{place.port}")
        assert result.message == "it did not arrive within 0.5 s."
        assert len(place.seen) == 3


def test_a_slow_look_up_and_a_silent_handshake_end_in_time() -> None:
    with HttpPlace({}) as place:
        allow = f"127.0.0.1:{place.port}"
        lookup = Patched(f"http://127.0.0.1:{place.port}/", allow, lookup_s=60)
        assert (lookup.message, place.accepted) == ("it did not arrive within 0.5 s.", 0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        allow = f"127.0.0.1:{silent.getsockname()[1]}"
        assert Patched(f"https://{allow}/", allow).message == "it did not arrive within 0.5 s."


@pytest.mark.parametrize(
    "script", [answer(b"x"), answer(status=404), redirect("/"), dripping(answer(Content_Length="9"))]
)
def test_no_connection_is_left(script: bytes | Callable[[], Iterator[bytes]]) -> None:
    with HttpPlace({"/": script}) as place:
        without = Patched("http://[::1", "x:1").sockets
        assert Patched(f"http://127.0.0.1:{place.port}/", f"127.0.0.1:{place.port}", 0.1).sockets == without
