"""Same-origin check: whether a request comes from this page, from a program, or from another site.

A browser names the origin of the page that sends a request in `Origin`, and its own verdict in `Sec-Fetch-Site` if the
address is HTTPS or this machine. Scripts can set neither. Without the verdict, the origin is compared with the
addresses under which the reverse proxies in front of the page are reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv6Address
from typing import NamedTuple

from starlette.datastructures import Headers

from . import gradio_environment

HOST_HEADERS = ("host", "x-forwarded-host", "x-original-host")
"""Headers with the public host. A page of another site cannot set the latter two: the browser first sends a CORS
preflight, which is refused. `X-Original-Host` is the header of Azure's gateway."""

_DEFAULT_PORTS = {"http": "80", "https": "443"}
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:/@\[\]\\?#,]+?)\.?(?::([0-9]{0,5}))?", re.IGNORECASE)
_ORIGIN = re.compile(r"(https?)://([^/]+)/?", re.IGNORECASE)
_FORWARDED_HOST = re.compile(r'(?:^|[;,\s])host="?([^";,\s]+)', re.IGNORECASE)
"""The parameter `host` of the header `Forwarded` (RFC 7239)."""


class Host(NamedTuple):
    """A host name in lower case without a trailing dot, or an IP address, and a port; "" is the scheme's default port.

    An IPv6 address has its shortest form, without brackets.
    """

    name: str
    port: str


def is_same_origin(headers: Headers) -> bool:
    """Return True if the request comes from this page, or from a program, which sends no `Origin` header.

    Gradio checks the origin only for a page on localhost. On any other host, another site could read data with the
    user's cookies.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site == "same-origin":
        return True
    if origin is None:
        # A link to this page. Browsers send an `Origin` with every POST, also with that of a form.
        return site not in {"cross-site", "same-site"} or headers.get("sec-fetch-mode") == "navigate"
    return site not in {"cross-site", "same-site"} and parse_origin(origin) in set(_own_hosts(headers))


def parse_host(text: str) -> Host | None:
    """Return the parsed `host[:port]`; None if it is invalid. A default port (80, 443) becomes "".

    Both count as default: if a proxy in front terminates TLS, the next one may report port 80 for an HTTPS address.
    """
    return _parse_host(text, default_ports=("80", "443"))


def parse_origin(text: str) -> Host | None:
    """Return the host of an `Origin` header or an address; None for `null`, other schemes and invalid ones."""
    match = _ORIGIN.fullmatch(text.strip())
    return _parse_host(match[2], default_ports=(_DEFAULT_PORTS[match[1].lower()],)) if match else None


def _parse_host(text: str, default_ports: tuple[str, ...]) -> Host | None:
    match = _HOST.fullmatch(text.strip())
    if match is None:
        return None
    name, port = match[1].lower(), (match[2] or "").lstrip("0")
    if name.startswith("["):
        try:
            name = str(IPv6Address(name[1:-1]))
        except ValueError:
            return None
    return Host(name, "" if port in default_ports else port)


def _own_hosts(headers: Headers) -> Iterator[Host]:
    """Yield the public addresses of the page, as its configuration and the proxies report them."""
    texts = [text for name in HOST_HEADERS for value in headers.getlist(name) for text in value.split(",")]
    texts += [text for value in headers.getlist("forwarded") for text in _FORWARDED_HOST.findall(value)]
    for host in map(parse_host, texts):
        if host is not None:
            yield host
            yield from _with_forwarded_port(host, headers)
    configured = parse_origin(gradio_environment.public_origin())
    if configured is not None:
        yield configured


def _with_forwarded_port(host: Host, headers: Headers) -> Iterator[Host]:
    """Yield the host with the port of `X-Forwarded-Port`: a proxy may report the port in this header only."""
    for port in headers.get("x-forwarded-port", "").split(","):
        forwarded = parse_host(f"{host.name}:{port.strip()}" if port.strip() else "")
        if not host.port and forwarded is not None:
            yield forwarded
