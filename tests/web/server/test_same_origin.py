"""The same-origin check: which requests come from the page, as browsers and proxies report it."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from pneumonia.web.server.same_origin import is_same_origin, parse_host, parse_origin

ORIGIN = {"origin": "https://films.clinic"}
FETCH = {"sec-fetch-mode": "cors"}

OWN = {
    "the same host": {**ORIGIN, "host": "films.clinic"},
    "nginx: $host:$server_port, HTTPS": {**ORIGIN, "host": "films.clinic:443"},
    "nginx: $host:$server_port, HTTP": {"origin": "http://films.clinic", "host": "films.clinic:80"},
    "TLS ends before the last proxy": {**ORIGIN, "host": "films.clinic:80"},
    "a port": {"origin": "https://films.clinic:8443", "host": "films.clinic:8443"},
    "an explicit default port in the origin": {"origin": "https://films.clinic:443", "host": "films.clinic"},
    "upper case": {**ORIGIN, "host": "Films.CLINIC"},
    "a trailing dot in the host": {**ORIGIN, "host": "films.clinic."},
    "a trailing dot in the origin": {"origin": "https://films.clinic.", "host": "films.clinic"},
    "a trailing dot and a port": {"origin": "https://films.clinic:8443", "host": "films.clinic.:8443"},
    "IPv6": {"origin": "http://[2001:db8::1]:7860", "host": "[2001:DB8:0:0::1]:7860"},
    "IPv6, default port": {"origin": "http://[::1]", "host": "[::1]:80"},
    "X-Forwarded-Host": {**ORIGIN, "host": "127.0.0.1:7860", "x-forwarded-host": "films.clinic"},
    "X-Forwarded-Host with port": {**ORIGIN, "host": "app:7860", "x-forwarded-host": "films.clinic:443"},
    "X-Forwarded-Host of two proxies": {**ORIGIN, "host": "app", "x-forwarded-host": "films.clinic, inner"},
    "X-Forwarded-Port": {"origin": "http://h:8080", "host": "h", "x-forwarded-port": "8080"},
    "X-Original-Host": {**ORIGIN, "host": "app", "x-original-host": "films.clinic"},
    "Forwarded": {**ORIGIN, "host": "app", "forwarded": 'for=10.0.0.1;host="films.clinic:443";proto=https'},
    "Forwarded of two proxies": {**ORIGIN, "host": "app", "forwarded": "for=a;host=films.clinic, for=b;host=inner"},
    "the browser's verdict, host of the upstream": {
        **ORIGIN,
        "host": "127.0.0.1:7860",
        "sec-fetch-site": "same-origin",
    },
    "the browser's verdict, origin hidden": {"origin": "null", "host": "app", "sec-fetch-site": "same-origin"},
    "a program": {"host": "films.clinic"},
    "a typed address": {"host": "films.clinic", "sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
    "a link on another site": {"host": "h", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    "a link on another host of the site": {"host": "h", "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"},
}

FOREIGN = {
    "another host": {"origin": "https://evil.example", "host": "films.clinic"},
    "a longer host": {"origin": "https://films.clinic.evil.example", "host": "films.clinic"},
    "a shorter host": {"origin": "https://clinic", "host": "films.clinic"},
    "a sibling": {"origin": "https://other.clinic", "host": "films.clinic"},
    "another port": {"origin": "https://films.clinic:8443", "host": "films.clinic"},
    "no port": {"origin": "https://films.clinic", "host": "films.clinic:8443"},
    "a port that is another scheme's default": {"origin": "https://films.clinic:80", "host": "films.clinic"},
    "another port than X-Forwarded-Port": {"origin": "http://h:1", "host": "h", "x-forwarded-port": "8080"},
    "null": {"origin": "null", "host": "films.clinic"},
    "no host": {**ORIGIN, "host": ""},
    "a file": {"origin": "file://", "host": ""},
    "an extension": {"origin": "chrome-extension://films.clinic", "host": "films.clinic"},
    "user information": {"origin": "https://films.clinic@evil.example", "host": "films.clinic"},
    "a list": {"origin": "https://films.clinic https://evil.example", "host": "films.clinic"},
    "an open bracket": {"origin": "https://[::1", "host": "[::1"},
    "a port that is no number": {"origin": "https://films.clinic:x", "host": "films.clinic:x"},
    "another IPv6 address": {"origin": "http://[::2]", "host": "[::1]"},
    "an image of another site": {"host": "h", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    "an image of another host of the site": {"host": "h", "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
    "the browser's verdict": {**ORIGIN, **FETCH, "host": "films.clinic", "sec-fetch-site": "cross-site"},
    "a form of another site": {
        "origin": "https://evil.example",
        "host": "films.clinic",
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
    },
}


@pytest.mark.parametrize("headers", OWN.values(), ids=OWN)
def test_a_request_of_the_page_or_of_a_program_is_accepted(headers: dict[str, str]) -> None:
    assert is_same_origin(Headers(headers))


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_a_request_of_another_site_is_refused(headers: dict[str, str]) -> None:
    assert not is_same_origin(Headers(headers))


def test_each_of_several_headers_counts() -> None:
    raw = [
        (b"origin", b"https://films.clinic"),
        (b"x-forwarded-host", b"inner"),
        (b"x-forwarded-host", b"films.clinic"),
    ]
    assert is_same_origin(Headers(raw=raw))


@pytest.mark.parametrize("address", ["https://films.clinic", "https://FILMS.clinic:443/films/"])
def test_the_configured_public_address_is_the_page(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_ROOT_PATH", address)
    assert is_same_origin(Headers({**ORIGIN, "host": "127.0.0.1:7860"}))
    assert not is_same_origin(Headers({"origin": "https://evil.example", "host": "127.0.0.1:7860"}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h", ("h", "")),
        ("h:", ("h", "")),
        ("h:080", ("h", "")),
        ("H.:8080", ("h", "8080")),
        ("[0:0:0:0:0:0:0:1]:7860", ("::1", "7860")),
    ],
)
def test_a_host_has_one_form(text: str, expected: tuple[str, str]) -> None:
    assert parse_host(text) == expected


@pytest.mark.parametrize(
    "text", ["", " ", ":80", "a b", "h:80:90", "h/x", "[::1", "[zz]", "user@h", "h:123456", "\u00e9 x"]
)
def test_an_invalid_host_is_no_host(text: str) -> None:
    assert parse_host(text) is None
    assert parse_origin(f"https://{text}") is None
