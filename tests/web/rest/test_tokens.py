"""API tokens: who may call the REST API, and the throttling of guesses."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest

from pneumonia import Predictor, settings
from pneumonia.errors import UsageError
from pneumonia.web import page, service
from pneumonia.web.server import api_tokens, login
from pneumonia.web.server.api_tokens import ApiTokens
from tests.support.event_loop import run_coroutine

from ...support.wait import until
from ..held_delays import HeldDelays
from ..visit import serving

TOKEN, OTHER = "0123456789abcdef", "fedcba9876543210fedcba9876543210"
LOGIN = {"username": "reader", "password": "light box"}


@pytest.fixture(scope="module")
def both(predictor: Predictor, address: str) -> Iterator[str]:
    """A service with a login and tokens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PNEUMONIA_AUTH", "reader:light box")
        patch.setenv("PNEUMONIA_TOKENS", f"ris:{TOKEN}, {OTHER}")
        app = page.create_app(predictor)
        with serving(app) as url:
            yield url


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "FIRST_DELAY_S", 0.0)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def status(url: str, headers: dict[str, str] | None = None) -> int:
    """The status of a call, which may be one that a test holds."""
    return httpx.get(f"{url}/api/v1/model", headers=headers, trust_env=False, timeout=120).status_code


def test_a_call_needs_a_token_or_the_login_of_the_page(both: str, files: dict[str, Path]) -> None:
    assert [status(both, bearer(token)) for token in (TOKEN, OTHER)] == [200, 200]
    assert status(both, {"Authorization": f"bearer  {TOKEN}"}) == 200
    without = httpx.post(
        f"{both}/api/v1/predict", files={"file": files["film.png"].read_bytes()}, trust_env=False, timeout=60
    )
    assert (without.status_code, without.json()["error"]["code"]) == (401, "unauthorized")
    assert without.headers["www-authenticate"] == 'Bearer realm="pneumonia"'
    for wrong in ("x", TOKEN[:-1], TOKEN.upper(), "ris", f"ris:{TOKEN}", "é" * 20, "x" * 5_000):
        reply = httpx.get(
            f"{both}/api/v1/model", headers={b"Authorization": f"Bearer {wrong}".encode()}, trust_env=False, timeout=60
        )
        assert reply.status_code == 401
    wrong_token = httpx.get(f"{both}/api/v1/model", headers=bearer("x"), trust_env=False, timeout=60)
    assert wrong_token.headers["www-authenticate"] == 'Bearer realm="pneumonia", error="invalid_token"'
    with httpx.Client(base_url=both, trust_env=False, timeout=60) as browser:
        assert browser.post("/login", data=LOGIN).status_code == 200
        assert browser.get("/api/v1/model").status_code == 200
        other_site = {"Origin": "https://other.example", "Sec-Fetch-Site": "cross-site"}
        assert browser.get("/api/v1/model", headers=other_site).status_code == 403
        # A proxy passes its own password on.
        assert browser.get("/api/v1/model", headers={"Authorization": "Basic eA=="}).status_code == 200
    assert status(both, {"Authorization": "Basic eA=="}) == 401


def test_a_token_opens_the_rest_api_only(both: str) -> None:
    for path in ("/config", "/gradio_api/info", "/gradio_api/openapi.json"):
        assert httpx.get(both + path, headers=bearer(TOKEN), trust_env=False, timeout=60).status_code == 401
    for path in ("/health", "/api/v1/openapi.json", "/api/v1/docs"):
        assert httpx.get(both + path, trust_env=False, timeout=60).status_code == 200


@pytest.mark.slow
def test_with_tokens_only_the_page_stays_open(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PNEUMONIA_AUTH", raising=False)
    monkeypatch.setenv("PNEUMONIA_TOKENS", TOKEN)
    app = page.create_app(predictor)
    with serving(app) as url:
        assert httpx.get(f"{url}/config", trust_env=False, timeout=60).status_code == 200
        assert (status(url), status(url, bearer(TOKEN))) == (401, 200)


def test_without_tokens_and_login_a_foreign_token_is_ignored(address: str) -> None:
    """A proxy may pass on the token with which it was called."""
    assert status(address, bearer("of the proxy")) == 200


def test_the_log_has_the_name_of_the_token_and_not_the_token(both: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "pneumonia"):
        assert status(both, bearer(TOKEN)) == 200
        assert status(both, bearer(OTHER)) == 200
        assert status(both, bearer("wrong-token-of-somebody")) == 401
        assert until(lambda: "client=ris" in caplog.text and "client=token-2" in caplog.text)
    text = caplog.text
    assert "client=ris" in text and "client=token-2" in text
    assert TOKEN not in text and OTHER not in text and "wrong-token" not in text


@pytest.mark.parametrize(
    "text",
    ["short", f"{TOKEN},{TOKEN}", f"a:{TOKEN},b:{TOKEN}", f"two words:{TOKEN}", f"{TOKEN} x", "a:b:c", f"é{TOKEN}"],
)
def test_an_invalid_setting_is_refused_without_showing_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_TOKENS", text)
    with pytest.raises(UsageError, match="16 or more") as error:
        settings.TOKENS.read()
    assert TOKEN not in str(error.value) and "a secret, not shown" in str(error.value)
    with pytest.raises(UsageError):
        page.mount_options()  # before the model is loaded


def test_the_names_of_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_TOKENS", f" ris-1:{TOKEN} ,{OTHER},")
    assert settings.TOKENS.read() == [("ris-1", TOKEN), ("token-2", OTHER)]


def test_the_token_is_not_kept_in_the_object_that_checks_it() -> None:
    tokens = ApiTokens([("ris", TOKEN)])
    assert tokens.name_of(TOKEN) == "ris" and tokens.name_of(OTHER) is None
    assert TOKEN not in repr(vars(tokens))


def test_guesses_are_delayed_and_a_known_client_is_not(both: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ninth simultaneous guess is refused; the client that was here before goes on meanwhile."""
    assert status(both, bearer(TOKEN)) == 200
    status(both, bearer("first wrong token"))
    delays = HeldDelays(monkeypatch, api_tokens)
    with ThreadPoolExecutor(12) as pool:
        guesses = [pool.submit(status, both, bearer(f"wrong token {number}")) for number in range(12)]
        try:
            assert until(lambda: delays.waiting == 8 and sum(guess.done() for guess in guesses) == 4)
            assert status(both, bearer(TOKEN)) == 200
        finally:
            delays.end()
        replies = sorted(guess.result() for guess in guesses)
    assert replies.count(429) == 4 and replies.count(401) == 8


def test_a_right_guess_is_delayed_as_a_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[float] = []

    def record(attempts: login.FailedAttempts, key: str) -> float:
        delays.append(attempts.get(key).failures)
        return 0.0

    application: Any = AsyncMock()

    async def call(middleware: api_tokens.TokenMiddleware, token: str, client: str) -> None:
        class App:
            class state:  # noqa: N801
                api_tokens = ApiTokens([("ris", TOKEN)])

        headers = [(b"authorization", f"Bearer {token}".encode())]
        scope = {"type": "http", "path": "/api/v1/model", "headers": headers, "client": (client, 1), "app": App}
        await middleware({**scope, "method": "GET"}, application, application)

    monkeypatch.setattr(login.FailedAttempts, "delay", record)
    middleware = api_tokens.TokenMiddleware(application)
    for token, client in ((TOKEN, "a"), ("x", "b"), ("x", "b"), (TOKEN, "b"), (TOKEN, "b"), (TOKEN, "a")):
        run_coroutine(call(middleware, token, client))
    assert delays == [0, 0, 1, 2], "failures of the address at each attempt that is delayed"


def test_a_start_with_tokens_and_without_a_login_warns_that_the_page_is_open(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("PNEUMONIA_AUTH", raising=False)
    monkeypatch.setenv("PNEUMONIA_TOKENS", TOKEN)
    monkeypatch.setattr(service.page, "mount_options", lambda: (_ for _ in ()).throw(InterruptedError))
    monkeypatch.setattr(service.request_log, "configure", lambda: None)
    with pytest.raises(InterruptedError):
        service.run(share=False)
    assert "PNEUMONIA_TOKENS protects the REST API only" in caplog.text
