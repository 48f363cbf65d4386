"""The settings of pynetdicom that the service uses exist, and exceptions of threads are reported by their origin."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pynetdicom", reason="needs requirements-hospital.txt")

from pynetdicom import _config  # noqa: E402

from ..support import upper_layer  # noqa: E402
from ..support.upper_layer import ACCEPT, Peer  # noqa: E402
from ..support.wait import until  # noqa: E402
from .scp_support import configured_library  # noqa: E402
from .served_associations import serving  # noqa: E402


@pytest.fixture
def reasons(tmp_path: Path) -> Iterator[list[str]]:
    """The reasons that are reported while the library has the settings of the service."""
    reported: list[str] = []
    with configured_library(tmp_path, reported.append):
        yield reported


def test_every_setting_exists(reasons: list[str]) -> None:
    """`configure` assigns them, so a renamed setting would silently have no effect."""
    source = Path(str(_config.__file__)).read_text(encoding="utf-8")
    for name in (
        "STORE_RECV_CHUNKED_DATASET",
        "STORE_SEND_CHUNKED_DATASET",
        "LOG_HANDLER_LEVEL",
        "LOG_REQUEST_IDENTIFIERS",
    ):
        assert f"\n{name}: " in source


def test_a_message_that_pynetdicom_cannot_process_is_an_error_of_the_peer(
    reasons: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with serving() as (port, _), Peer(port) as peer:
        assert peer.associate() == ACCEPT
        no_command_field = upper_layer.command([(0x0002, upper_layer.uid(upper_layer.VERIFICATION))])
        peer.send(upper_layer.data(no_command_field, 1, command=True))
        assert until(lambda: reasons == ["protocol_error"])
    assert "internal error" not in caplog.text


def test_an_exception_of_another_thread_is_an_internal_error(
    reasons: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    thread = threading.Thread(target=int, args=("Doe^Jane",))
    thread.start()
    thread.join()
    assert "internal error" in caplog.text and "ValueError" in caplog.text
    assert "Jane" not in caplog.text and reasons == []
