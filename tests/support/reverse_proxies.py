"""Real reverse proxies (nginx, Apache, Caddy) with a given configuration, each as a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = {"nginx": "nginx", "apache": "apache2", "caddy": "caddy"}
PACKAGES = {"nginx": "nginx", "apache": "apache2-bin", "caddy": "caddy"}
APACHE_MODULES = "/usr/lib/apache2/modules"
FOLDERS = {"nginx": "/etc/nginx", "apache": APACHE_MODULES}
"""Where Debian has the media types of nginx and the modules of Apache."""

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 2
"""Seconds until the processes of a proxy that waits for open event streams are killed."""

_NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    include /etc/nginx/mime.types;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {config}
}}
"""

_APACHE_MODULES = "mpm_event authz_core alias headers rewrite proxy proxy_http ssl socache_shmcb http2"
_APACHE = """
ServerRoot {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
ServerName localhost
{modules}
{config}
"""

_CADDY = """
{{
    admin off
    auto_https disable_redirects
    grace_period 1s
    storage file_system {folder}/caddy
}}
{config}
"""


def find_program(proxy: str) -> str:
    """Return the path of the program; skips the test if it is not installed."""
    program = shutil.which(PROGRAMS[proxy]) or shutil.which(f"/usr/sbin/{PROGRAMS[proxy]}")
    if program is None or not Path(FOLDERS.get(proxy, "/")).exists():
        pytest.skip(f"needs {proxy} of Debian: apt-get install {PACKAGES[proxy]}")
    return program


@contextmanager
def running_proxy(proxy: str, config: str, port: int, folder: Path) -> Iterator[None]:
    """Run a proxy with this configuration until the block ends. `port` is one on which it listens."""
    program = find_program(proxy)
    folder.mkdir(parents=True, exist_ok=True)
    # nginx and Apache give up root's rights and must still reach their temporary files.
    folder.chmod(0o755)
    command = _COMMANDS[proxy](program, config, folder)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, start_new_session=True)
    try:
        _await_port(port, process, folder)
        yield
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _nginx(program: str, config: str, folder: Path) -> list[str]:
    file = folder / "nginx.conf"
    file.write_text(_NGINX.format(folder=folder, config=config))
    return [program, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(file)]


def _apache(program: str, config: str, folder: Path) -> list[str]:
    modules = "\n".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so" for name in _APACHE_MODULES.split())
    file = folder / "apache.conf"
    file.write_text(_APACHE.format(folder=folder, modules=modules, config=config))
    return [program, "-d", str(folder), "-f", str(file), "-DFOREGROUND"]


def _caddy(program: str, config: str, folder: Path) -> list[str]:
    file = folder / "Caddyfile"
    file.write_text(_CADDY.format(folder=folder, config=config))
    return [program, "run", "--config", str(file), "--adapter", "caddyfile"]


_COMMANDS: dict[str, Callable[[str, str, Path], list[str]]] = {"nginx": _nginx, "apache": _apache, "caddy": _caddy}


def _await_port(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            logs = [path.read_text()[-2000:] for path in (folder / "output", folder / "error.log") if path.exists()]
            raise RuntimeError(f"the proxy did not start: {logs}")
        time.sleep(0.02)
