"""The page behind a reverse proxy: the configurations of docs/reverse-proxy.md, and what clients do at its address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "reverse-proxy.md").read_text()
HOST = "films.hospital.example"
USER, PASSWORD = "ann", "one"
LARGE_FILE = {"files": ("Doe^Jane.png", b"secret" * 1_000_000)}


@dataclass(frozen=True)
class Certificate:
    """The files of a self-signed certificate for `HOST`."""

    certificate: Path
    key: Path


def documented(proxy: str) -> tuple[str, str]:
    """The configuration of a proxy in the docs, and its part for a page below a path."""
    site, below_a_path = re.findall(rf"```{proxy}\n(.*?)```", DOCS, re.DOTALL)
    return site, below_a_path


def replace(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text, f"the docs do not contain {old}"
        text = text.replace(old, new)
    return text


def configuration(proxy: str, path: str, port: int, upstream: str, certificate: Certificate, folder: Path) -> str:
    """The configuration of the docs for the page at `path`, with the ports and files of the test."""
    site, below_a_path = documented(proxy)
    if path != "/":
        site = _below_a_path(proxy, site, below_a_path)
    ports = {
        "nginx": ("listen 443 ssl;", f"listen {port} ssl;"),
        "apache": ("<VirtualHost *:443>", f"Listen {port}\n<VirtualHost *:{port}>"),
        "caddy": (f"{HOST} {{", f"{HOST}:{port} {{"),
    }
    site = replace(
        site,
        ports[proxy],
        ("/etc/ssl/films/certificate.pem", str(certificate.certificate)),
        ("/etc/ssl/films/key.pem", str(certificate.key)),
        ("127.0.0.1:7860", upstream),
    )
    return site.replace("/var/log/apache2", str(folder))


def _below_a_path(proxy: str, site: str, below_a_path: str) -> str:
    """Replace the forwarding part of a site by the one of the docs for a page below a path.

    A browser also asks for the icon of the other site at this host, which the test answers.
    """
    if proxy == "nginx":
        location = below_a_path[: below_a_path.index("        # the other lines")]
        icon = "    location = /favicon.ico { return 204; }\n"
        return replace(site, ("    location / {\n        proxy_pass http://127.0.0.1:7860/;\n", icon + location))
    forwarding = {"apache": r" *ProxyPass / .*\n *ProxyPassReverse / .*\n", "caddy": r" *reverse_proxy .*\n"}
    icon = "    RedirectMatch 204 ^/favicon.ico$\n" if proxy == "apache" else ""
    changed, count = re.subn(forwarding[proxy], lambda _: icon + below_a_path, site)
    assert count == 1
    return changed


@dataclass(frozen=True)
class Site:
    """The page behind a proxy: its public address, with a slash at its end, and the proxy's folder."""

    address: str
    folder: Path

    @property
    def origin(self) -> str:
        return self.address.rstrip("/").removesuffix("/films")

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=60, follow_redirects=True, trust_env=True, **options)

    def log_in(self, client: httpx.Client, password: str = PASSWORD, **headers: str) -> httpx.Response:
        return client.post("login", data={"username": USER, "password": password}, headers=headers)


def check_as_a_browser(site: Site) -> None:
    """Page, login, upload, call and logout, with the headers that a browser sends over HTTPS."""
    browser = {"Origin": site.origin, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    with site.client() as client:
        assert set(re.findall(r'"root":\s*"([^"]*)"', client.get("").text)) == {"."}
        assert site.log_in(client, **browser).status_code == 200
        stored = client.post("gradio_api/upload", files={"files": ("a.png", b"x")}, headers=browser).json()[0]
        assert client.get(f"gradio_api/file={stored}").content == b"x"
        event = client.post("gradio_api/call/model", json={"data": []}, headers=browser).json()["event_id"]
        assert "event: complete" in client.get(f"gradio_api/call/model/{event}").text
        foreign = browser | {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert client.post("gradio_api/upload", headers=foreign, files=LARGE_FILE).status_code == 403
        assert str(client.get("logout").url) == site.address
