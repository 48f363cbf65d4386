"""Requests in absolute form, over a connection, because no HTTP client sends them to a server."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest


def answer(address: str, target: str, headers: str = "") -> str:
    """The response to a GET with this request target."""
    host = urlsplit(address)
    with socket.create_connection((str(host.hostname), int(host.port or 0)), timeout=60) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: page\r\nConnection: close\r\n{headers}\r\n".encode())
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts).decode()


@pytest.mark.parametrize("target", ["http://page/health", "HTTP://page:80/health?x=1", "https://page/health"])
def test_a_request_in_absolute_form_is_answered(address: str, target: str) -> None:
    assert answer(address, target).startswith("HTTP/1.1 200")


def test_the_root_may_lack_its_slash(address: str) -> None:
    assert "<!doctype html>" in answer(address, "http://page").lower()


def test_the_host_is_that_of_the_address(address: str) -> None:
    """Another site, as `Origin`, is compared with it."""
    origin = "Origin: http://page\r\n"
    assert answer(address, "http://page/config", origin).startswith("HTTP/1.1 200")
    assert answer(address, "http://other/config", origin).startswith("HTTP/1.1 403")


@pytest.mark.parametrize("target", ["http:///health", "http://user@page/health", "ftp://page/health", "*", "health"])
def test_other_targets_are_unknown(address: str, target: str) -> None:
    assert answer(address, target).startswith(("HTTP/1.1 404", "HTTP/1.1 400"))
