"""The page behind the real nginx, Apache and Caddy: the configurations of docs/reverse-proxy.md, and common others."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from gradio_client import handle_file

from benchmarks.service_process import free_port, running_service
from pneumonia import Predictor
from pneumonia.inference import sources
from pneumonia.web.server import login

from ...support.broken_proxy import broken_proxy
from ...support.reverse_proxies import find_program, running_proxy
from ..conftest import CHROMIUM, CHROMIUM_ARGUMENTS
from ..visit import READY, Visit, gradio_client, running
from .proxied_site import HOST, LARGE_FILE, PASSWORD, ROOT, USER, Certificate, Site, check_as_a_browser, configuration

pytestmark = pytest.mark.slow

PROXIES = ("nginx", "apache", "caddy")

EXAMPLE = next(sources.EMBEDDED_FOLDER.glob("examples/*pneumonia*.png"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl: apt-get install openssl")
    folder = tmp_path_factory.mktemp("certificate")
    files = Certificate(folder / "certificate.pem", folder / "key.pem")
    names = ("-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-days", "2")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *names]
    subprocess.run([*command, "-keyout", files.key, "-out", files.certificate], check=True, capture_output=True)
    return files


@pytest.fixture(scope="module")
def upstream(predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a page with a login that trusts a proxy on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        patch.setenv("PNEUMONIA_AUTH", f"{USER}:{PASSWORD}")
        patch.setenv("PNEUMONIA_TRUSTED_PROXIES", "127.0.0.1")
        with running(predictor) as address:
            yield address.removeprefix("http://")


@pytest.fixture(scope="module", autouse=True)
def resolve_host(certificate: Certificate) -> Iterator[None]:
    """The name of the docs is an address of this machine, and clients trust its certificate."""
    resolve = socket.getaddrinfo

    def resolve_locally(host: Any, *arguments: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if host in {HOST, HOST.encode()} else host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve_locally)
        patch.setenv("SSL_CERT_FILE", str(certificate.certificate))
        yield


@pytest.fixture(
    scope="module",
    params=[pytest.param((proxy, path), id=f"{proxy}{path}") for proxy in PROXIES for path in ("/", "/films/")],
)
def site(
    request: pytest.FixtureRequest, upstream: str, certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The page behind each proxy of the docs, as a whole host and below a path."""
    proxy, path = request.param
    port, folder = free_port(), tmp_path_factory.mktemp(proxy)
    with running_proxy(proxy, configuration(proxy, path, port, upstream, certificate, folder), port, folder):
        yield Site(f"https://{HOST}:{port}{path}", folder)


def test_programs_get_the_answers_of_the_library(site: Site, predictor: Predictor, files: dict[str, Path]) -> None:
    film = files['<b>odd name & "co".png']
    client = gradio_client(site.address, auth=(USER, PASSWORD))
    answer = client.predict(handle_file(film), api_name="/predict")
    assert answer["probabilities"] == predictor.predict(film).as_dict()["probabilities"]
    rows = client.predict([handle_file(film)] * 2, api_name="/predict_batch")
    assert [row["label"] for row in rows] == [answer["label"]] * 2
    overlay = client.predict(handle_file(film), api_name="/analyze")[2]
    assert overlay is None or Path(overlay).stat().st_size > 0


def test_the_rest_api_is_behind_the_proxy_too(site: Site, predictor: Predictor, files: dict[str, Path]) -> None:
    """Lines are passed on as they come, and the description has addresses that lead back through the proxy."""
    film = files["film.jpg"]
    expected = predictor.predict(film, file="film.jpg").as_dict()
    with httpx.Client(base_url=site.address, timeout=60) as client:
        assert client.post("api/v1/predict", content=film.read_bytes()).status_code == 401
        assert client.post("login", data={"username": USER, "password": PASSWORD}).status_code == 200
        reply = client.post("api/v1/predict", files={"file": ("film.jpg", film.read_bytes())})
        assert reply.json() == expected
        rows = client.post("api/v1/predict-batch", files=[("file", ("film.jpg", film.read_bytes()))] * 3)
        assert [json.loads(line) for line in rows.text.splitlines()] == [expected] * 3
        assert 'href="openapi.json"' in client.get("api/v1/docs").text


def test_a_login_opens_the_page_until_the_logout(site: Site) -> None:
    with site.client() as client:
        reply = site.log_in(client, Origin=site.origin)
        cookies = [value.lower() for value in reply.headers.get_list("set-cookie")]
        assert reply.status_code == 200 and len(cookies) == 2
        assert all("secure" in cookie and "httponly" in cookie for cookie in cookies)
        assert client.get("config").status_code == 200
        assert str(client.get("logout").url) == site.address
        assert client.get("config").status_code == 401


def test_the_path_without_a_slash_leads_to_the_page(site: Site) -> None:
    with site.client() as client:
        assert client.get(site.address.rstrip("/")).url.path == httpx.URL(site.address).path


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://evil.example", "X-Forwarded-Host": "films.hospital.example"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
    ids=["origin", "null", "forged", "fetch"],
)
def test_requests_from_other_sites_are_refused(site: Site, headers: dict[str, str]) -> None:
    with site.client() as client:
        assert site.log_in(client, **headers).status_code == 403
        assert client.post("gradio_api/upload", headers=headers, files=LARGE_FILE).status_code == 403


def test_an_upload_without_a_login_is_answered_by_the_page(site: Site) -> None:
    """A login may expire before an upload. The page answers before it has received the film."""
    with site.client() as client:
        reply = client.post("gradio_api/upload", files=LARGE_FILE)
    assert reply.status_code == 401 and reply.json()["detail"]["error"] == "Not authenticated"


def test_a_film_of_several_megabytes_is_accepted_and_not_stored_by_the_proxy(site: Site) -> None:
    with site.client() as client:
        site.log_in(client, Origin=site.origin)
        reply = client.post("gradio_api/upload", files=LARGE_FILE)
        assert reply.status_code == 200
        client.get(f"gradio_api/file={reply.json()[0]}").raise_for_status()
    stored = [path for path in site.folder.rglob("*") if path.is_file()]
    assert not [path for path in stored if path.stat().st_size > 1_000_000]
    assert not [path for path in stored if b"Jane" in path.read_bytes()]


CLIENT = "127.0.0.2"
"""Another address of the loopback network than that of the proxy, which is trusted."""


def addresses_of_wrong_passwords(site: Site, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The addresses for which the page counts a wrong password that `CLIENT` sends."""
    keys: list[str] = []
    record = login.FailedAttempts.record

    def record_key(self: login.FailedAttempts, key: str, *, is_correct: bool) -> None:
        keys.append(key)
        record(self, key, is_correct=is_correct)

    monkeypatch.setattr(login.FailedAttempts, "record", record_key)
    monkeypatch.setattr(login, "FIRST_DELAY_S", 0.0)
    with site.client(transport=httpx.HTTPTransport(local_address=CLIENT)) as client:
        assert site.log_in(client, "wrong").status_code == 400
    return {key for key in keys if key.startswith("127.")}


def test_wrong_passwords_are_counted_for_the_address_of_the_client(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert addresses_of_wrong_passwords(site, monkeypatch) == {CLIENT}


GRADIO_GUIDE = (
    "Upgrade $http_upgrade",
    'Connection "upgrade"',
    "Host $host",
    "X-Forwarded-Host $host",
    "X-Forwarded-Proto $scheme",
)
DEBIAN_PROXY_PARAMS = (
    "Host $http_host",
    "X-Real-IP $remote_addr",
    "X-Forwarded-For $proxy_add_x_forwarded_for",
    "X-Forwarded-Proto $scheme",
)
NGINX_HEADERS = {
    "the default, host of the upstream": (),
    "the guide of Gradio": GRADIO_GUIDE,
    "proxy_params of Debian": DEBIAN_PROXY_PARAMS,
    "$host": ("Host $host",),
    "$host:$server_port": ("Host $host:$server_port",),
    "a fixed name": ("Host app",),
    "$proxy_host and X-Forwarded-Host": ("X-Forwarded-Host $http_host",),
    "the wrong scheme": ("Host $host", "X-Forwarded-Proto http"),
}


@pytest.mark.parametrize("headers", NGINX_HEADERS.values(), ids=NGINX_HEADERS)
@pytest.mark.parametrize("path", ["/", "/films/"])
def test_common_configurations_of_nginx(
    headers: tuple[str, ...], path: str, upstream: str, certificate: Certificate, tmp_path: Path
) -> None:
    """A browser's requests over HTTPS: HTTP/1.0 to the page and buffering are the defaults of nginx."""
    port = free_port()
    lines = "".join(f"proxy_set_header {header}; " for header in headers)
    config = f"""server {{
        listen {port} ssl;
        ssl_certificate {certificate.certificate};
        ssl_certificate_key {certificate.key};
        client_max_body_size 10m;
        location {path} {{ proxy_pass http://{upstream}/; {lines} }}
    }}"""
    with running_proxy("nginx", config, port, tmp_path / "nginx"):
        check_as_a_browser(Site(f"https://{HOST}:{port}{path}", tmp_path))


OTHERS = {
    "Apache without ProxyPreserveHost": ("apache", "ProxyPass / http://{upstream}/"),
    "Apache, host kept": ("apache", "ProxyPreserveHost On\nProxyPass / http://{upstream}/"),
    "Caddy, host of the upstream": ("caddy", "reverse_proxy {upstream} {{\nheader_up Host {{upstream_hostport}}\n}}"),
    "Caddy, HTTP": ("caddy", "reverse_proxy http://{upstream}"),
}


@pytest.mark.parametrize(("proxy", "forwarding"), OTHERS.values(), ids=OTHERS)
def test_common_configurations_of_apache_and_caddy(
    proxy: str, forwarding: str, upstream: str, certificate: Certificate, tmp_path: Path
) -> None:
    port, lines = free_port(), forwarding.format(upstream=upstream)
    files = certificate.certificate, certificate.key
    config = f"{HOST}:{port} {{\ntls {files[0]} {files[1]}\n{lines}\n}}"
    if proxy == "apache":
        tls = f"SSLEngine on\nSSLCertificateFile {files[0]}\nSSLCertificateKeyFile {files[1]}"
        config = f"Listen {port}\n<VirtualHost *:{port}>\n{tls}\n{lines}\n</VirtualHost>"
    with running_proxy(proxy, config, port, tmp_path / proxy):
        check_as_a_browser(Site(f"https://{HOST}:{port}/", tmp_path))


def test_two_proxies_in_a_row(
    upstream: str, certificate: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Caddy terminates TLS in front of the nginx of the docs; both append to `X-Forwarded-For`."""
    inner_port, outer_port = free_port(), free_port()
    headers = "".join(f"proxy_set_header {header}; " for header in DEBIAN_PROXY_PARAMS)
    location = f"location / {{ proxy_pass http://{upstream}/; {headers} }}"
    inner = f"server {{ listen {inner_port}; client_max_body_size 10m; {location} }}"
    files = f"{certificate.certificate} {certificate.key}"
    outer = f"{HOST}:{outer_port} {{\ntls {files}\nreverse_proxy 127.0.0.1:{inner_port}\n}}"
    site = Site(f"https://{HOST}:{outer_port}/", tmp_path)
    with (
        running_proxy("nginx", inner, inner_port, tmp_path / "nginx"),
        running_proxy("caddy", outer, outer_port, tmp_path / "caddy"),
    ):
        check_as_a_browser(site)
        assert addresses_of_wrong_passwords(site, monkeypatch) == {CLIENT}


def test_caddy_accepts_the_configuration_of_compose_yaml(tmp_path: Path) -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    content = compose["configs"]["caddyfile"]["content"].replace("$$", "$")
    (tmp_path / "Caddyfile").write_text(content.replace("{$PNEUMONIA_HOST}", HOST))
    command = [find_program("caddy"), "adapt", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"]
    adapted = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert HOST in adapted and '"dial":"film:7860"' in adapted


@pytest.mark.parametrize("is_alive", [True, False], ids=["alive", "dead"])
def test_app_py_with_proxy_variables_below_a_path_with_a_login(
    is_alive: bool, certificate: Certificate, files: dict[str, Path], tmp_path: Path
) -> None:
    """`python app.py` behind the nginx of the docs answers page, API and `gradio_client`."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    port, folder = free_port(), tmp_path / "nginx"
    with ExitStack() as stack:
        proxy = stack.enter_context(broken_proxy()) if is_alive else "http://127.0.0.1:9"
        settings = {**dict.fromkeys(names, proxy), "PNEUMONIA_AUTH": f"{USER}:{PASSWORD}", "NO_PROXY": ""}
        service = stack.enter_context(running_service(tmp_path / "service", **settings))
        upstream = service.address.removeprefix("http://")
        config = configuration("nginx", "/films/", port, upstream, certificate, folder)
        stack.enter_context(running_proxy("nginx", config, port, folder))
        site = Site(f"https://{HOST}:{port}/films/", folder)
        check_as_a_browser(site)
        client = gradio_client(site.address, auth=(USER, PASSWORD))
        assert client.predict(handle_file(files["film.png"]), api_name="/predict")["label"]


@pytest.fixture(scope="module")
def browser_at_host(browser: Any) -> Iterator[Any]:
    """A browser for which the name of the docs is this machine."""
    arguments = [*CHROMIUM_ARGUMENTS, f"--host-resolver-rules=MAP {HOST} 127.0.0.1"]
    browser_at_host = browser.browser_type.launch(executable_path=CHROMIUM, args=arguments)
    yield browser_at_host
    browser_at_host.close()


@pytest.mark.browser
def test_the_page_in_a_browser(site: Site, browser_at_host: Any, tmp_path: Path) -> None:
    """Login, film, activation map, batch with its table, logout: no error in the console, no request elsewhere."""
    film = shutil.copy(EXAMPLE, tmp_path / '<b>odd name & "co".png')
    password = "input[type=password]"
    with Visit(browser_at_host, site.address, password, ignore_https_errors=True) as visit:
        visit.log_in(USER, PASSWORD)
        assert visit.drop(Path(film))
        visit.show_map()
        visit.settle()
        visit.page.get_by_role("tab", name="Many films").click()
        visit.page.set_input_files("#batch-films input[type=file]", film)
        visit.page.wait_for_selector("#batch-films tr.file")
        visit.page.locator("#batch-start").click()
        visit.page.wait_for_selector("#batch-csv:visible")
        with visit.page.expect_download() as download:
            visit.page.locator("#batch-csv").click()
        assert len(download.value.path().read_text().splitlines()) == 2
        visit.page.goto(f"{site.address}logout")
        visit.page.wait_for_selector(password)
        assert visit.page.url == site.address
        assert visit.page.locator(READY).count() == 0
