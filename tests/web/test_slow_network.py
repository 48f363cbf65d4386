"""A page whose network is slow: the id of a call and its result arrive in any order."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
import pytest

from pneumonia import Predictor
from pneumonia.web.page import create_app
from pneumonia.web.server import cleanup

from ..support.wait import wait_for
from .visit import Visit, serving

SESSION = "session"

DELAY_ID_OF_FILM = """(() => {
  const send = window.fetch;
  window.fetch = async (...request) => {
    const reply = await send(...request);
    if (!String(request[0]?.url || request[0]).includes("queue/join")) return reply;
    const call = window.gradio_config.dependencies.find((each) => each.id === JSON.parse(request[1].body).fn_index);
    if (call.types.generator) await new Promise((done) => setTimeout(done, 1500));
    return reply;
  };
})()"""
"""Delays the ids of the calls that show the film, which have an answer in two parts."""


def test_no_event_is_followed_by_two_calls_with_a_stream(address: str) -> None:
    """Gradio's client loses the result of a call whose id arrives after the stream of the others has ended."""
    dependencies = httpx.get(f"{address}/config", timeout=90).json()["dependencies"]
    calls = Counter(
        each["trigger_after"]
        for each in dependencies
        if each["trigger_after"] is not None and each["backend_fn"] and each["queue"]
    )
    assert calls and max(calls.values()) == 1


@pytest.mark.slow  # waits for ids that are delayed
@pytest.mark.browser
def test_a_film_is_shown_although_the_id_of_its_call_arrives_late(browser: Any, address: str) -> None:
    with Visit(browser, address) as visit:
        visit.page.add_init_script(DELAY_ID_OF_FILM)
        visit.page.reload()
        for word, label in (("Chessboard", "unknown"), ("normal", "normal")):
            visit.page.get_by_role("button", name=word).first.click()
            visit.page.wait_for_selector(f".answer.{label}")
            visit.page.wait_for_selector("#film-image img")
            visit.wait_for_viewer()


@pytest.mark.slow  # Gradio looks for the records every ten seconds
def test_a_stream_without_calls_receives_the_next_result_after_the_records_were_deleted(predictor: Predictor) -> None:
    app = create_app(predictor)
    (function,) = (fn for fn in app.state.page.fns.values() if fn.api_name == "model")
    call = {"fn_index": function._id, "data": [], "session_hash": SESSION}

    async def delete_between_two_calls(address: str) -> list[str]:
        async with httpx.AsyncClient(base_url=f"{address}/gradio_api/queue", timeout=90) as client:
            await client.post("join", json=call)
            async with client.stream("GET", "data", params={"session_hash": SESSION}) as first:
                assert "close_stream" in [message async for message in messages(first)]
            async with client.stream("GET", "data", params={"session_hash": SESSION}) as second:
                assert app.state.result_streams == Counter({SESSION: 1})
                await cleanup.delete_expired_data(app)
                await asyncio.sleep(11)
                await client.post("join", json=call)
                return [message async for message in messages(second)]

    with serving(app) as address:
        received = wait_for(delete_between_two_calls(address))
    assert "process_completed" in received
    assert not app.state.result_streams


async def messages(stream: httpx.Response) -> Any:
    """The kinds of the messages of a stream, until its end."""
    async for line in stream.aiter_lines():
        if line.startswith("data:"):
            yield json.loads(line.removeprefix("data:"))["msg"]
