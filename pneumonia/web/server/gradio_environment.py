"""Environment variables that Gradio documents, and those of a Space. Only this module reads them.

`GRADIO_TEMP_DIR` is the upload folder. Gradio reads it at each upload and has no parameter for it.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from ...errors import UsageError
from ...messages import message

_UPLOAD_FOLDER = "GRADIO_TEMP_DIR"
_DEFAULT_PORT = 7860
_DEFAULT_PORT_COUNT = 100


def upload_folder() -> str:
    """Return the path of the upload folder; "" if the variable is not set."""
    return os.environ.get(_UPLOAD_FOLDER, "")


def set_upload_folder(folder: str) -> None:
    """Make Gradio write uploads into `folder`."""
    os.environ[_UPLOAD_FOLDER] = folder


def server_name() -> str:
    """Return the host name or address to listen on, without the brackets of an IPv6 address."""
    return (os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1").strip("[]")


def server_port() -> int:
    """Return the first port to try. Raises `UsageError` if the variable is invalid."""
    return _integer("GRADIO_SERVER_PORT", _DEFAULT_PORT, 65_535)


def port_count() -> int:
    """Return how many ports are tried, from the first one on. Raises `UsageError` if the variable is invalid."""
    return min(_integer("GRADIO_NUM_PORTS", _DEFAULT_PORT_COUNT, 65_535), 65_536 - server_port())


def root_path() -> str:
    """Return the path under which a proxy serves the page, as `/films`, or the complete public address; "" for none."""
    text = os.environ.get("GRADIO_ROOT_PATH", "").strip().rstrip("/")
    return text if not text or "://" in text else f"/{text.lstrip('/')}"


def path_prefix() -> str:
    """Return the path of `root_path()`, without a trailing slash; "" for none."""
    return urlsplit(root_path()).path


def public_origin() -> str:
    """Return scheme and host of `root_path()`, as `https://films.hospital.example`; "" if it is only a path."""
    address = urlsplit(root_path())
    return f"{address.scheme}://{address.netloc}" if address.scheme else ""


def is_on_space() -> bool:
    """Return True if the process runs on a Hugging Face Space."""
    return os.environ.get("SYSTEM") == "spaces"


def bypass_proxy_for_this_machine() -> None:
    """Exclude this machine from the proxy of `HTTP_PROXY` and `ALL_PROXY`: the MCP server sends its calls to itself."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [*filter(None, [os.environ.get(name, "")]), "127.0.0.1", "localhost", "::1"]
        os.environ[name] = ",".join(hosts)


def _integer(name: str, default: int, maximum: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= maximum:
        raise UsageError(
            message(
                "Invalid {name}. Allowed: 1 to {maximum}. Received: {text!r}.", name=name, maximum=maximum, text=text
            )
        )
    return int(text)
