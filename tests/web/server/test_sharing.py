"""The public link of `python app.py --share`, without the network."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from gradio import networking

from pneumonia.web.server import sharing

SERVER: Any = SimpleNamespace(started=True, host="127.0.0.1", port=7860, address="http://127.0.0.1:7860")


def share(monkeypatch: pytest.MonkeyPatch, setup_tunnel: Any) -> Any:
    """Create a link with this `setup_tunnel`; return the page."""
    page: Any = SimpleNamespace(share=False, share_token="token")
    monkeypatch.setattr(networking, "setup_tunnel", setup_tunnel)
    thread = sharing.share_when_started(SERVER, page)
    if thread is not None:
        thread.join(60)
    return page


def test_the_link_is_printed_with_https_and_search_engines_stay_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = inspect.signature(networking.setup_tunnel)
    calls: list[dict[str, Any]] = []

    def setup_tunnel(**options: Any) -> str:
        parameters.bind(**options)  # raises if Gradio's function has other parameters
        calls.append(options)
        return "http://abc.gradio.live"

    page = share(monkeypatch, setup_tunnel)
    assert page.share and calls[0]["local_port"] == 7860
    assert "* Running on public URL: https://abc.gradio.live" in capsys.readouterr().out


def test_without_a_network_the_page_runs_on_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def setup_tunnel(**_: Any) -> str:
        raise RuntimeError("Could not get share link from Gradio API Server.")

    share(monkeypatch, setup_tunnel)
    assert "Could not create a public link (RuntimeError). The page runs on http://127.0.0.1:7860." in (
        capsys.readouterr().out
    )


def test_a_space_creates_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEM", "spaces")
    assert share(monkeypatch, None).share is False
