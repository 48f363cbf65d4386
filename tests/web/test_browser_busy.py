"""The page with a full queue, in Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gradio_client import handle_file

from pneumonia import Predictor

from ..support.wait import until
from .visit import READY, PausablePredictor, Visit, gradio_client, running

pytestmark = pytest.mark.browser

LABELS = ("Normal", "Pneumonia", "Unknown")


@pytest.mark.slow
def test_a_queued_or_rejected_film_never_appears_with_the_previous_answer(
    browser: Any, predictor: Predictor, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two, because the page itself sends a second request for the picture of the film.
    monkeypatch.setenv("PNEUMONIA_QUEUE_SIZE", "2")
    monkeypatch.setenv("PNEUMONIA_THREADS", "1")
    pausable = PausablePredictor(predictor)
    with running(pausable) as address, Visit(browser, address) as visit:
        visit.drop(files["film.png"])
        visit.page.wait_for_selector("#film-image img")
        pausable.pause()
        client = gradio_client(address)
        first = client.submit(handle_file(files["film.jpg"]), api_name="/predict")
        visit.page.set_input_files(READY, files["turned.png"])
        visit.page.wait_for_selector(".answer.waiting")
        assert visit.page.locator("#film-image img").count() == 0
        assert not any(label in visit.page.inner_text("#result") for label in LABELS)
        pausable.resume()
        assert "Unknown" in visit.answer()
        first.result()
        pausable.pause()
        waiting = [client.submit(handle_file(files["film.jpg"]), api_name="/predict")]
        assert until(lambda: pausable.is_holding)
        waiting += [client.submit(handle_file(files["film.jpg"]), api_name="/predict") for _ in range(3)]
        assert until(lambda: any(job.done() for job in waiting)), "the third one was not refused: the queue is not full"
        visit.page.set_input_files(READY, files["film.png"])
        visit.page.wait_for_selector(".answer.failed")
        assert "Too many films are waiting" in visit.answer()
        assert visit.page.locator("#film-image img").count() == 0
        visit.errors.clear()  # the browser reports the refused request itself
        pausable.resume()
        responses = [job.result() for job in waiting]
        assert all("label" in one or one["error"]["code"] == "busy" for one in responses)
        answer = visit.drop(files["film.png"], until=".answer:not(.waiting):not(.failed)")
        assert any(label in answer for label in LABELS)
