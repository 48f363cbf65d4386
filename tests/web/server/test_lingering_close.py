"""A caller whose request is refused before it is complete receives the response, also if the connection is closed."""

from __future__ import annotations

import asyncio
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.types import Message, Receive, Scope, Send

from pneumonia.web.server import lingering_close
from pneumonia.web.server.lingering_close import LingeringClose

from ...support.wait import wait_for

BODY = b"x" * 5_000_000


@pytest.mark.parametrize(
    ("version", "connection"), [("1.0", "close"), ("1.1", "close"), ("1.1", "keep-alive")], ids=["1.0", "1.1", "open"]
)
def test_a_caller_who_sends_the_whole_film_first_receives_the_refusal(
    address: str, version: str, connection: str
) -> None:
    server = urlsplit(address)
    lines = [
        f"POST /gradio_api/upload HTTP/{version}",
        f"Host: {server.netloc}",
        f"Connection: {connection}",
        "Origin: https://evil.example",
        "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {len(BODY)}",
    ]
    with socket.create_connection((server.hostname, server.port), timeout=60) as caller:
        caller.sendall("\r\n".join([*lines, "", ""]).encode() + BODY)
        with caller.makefile("rb") as response:
            assert response.readline().split()[1] == b"403"
            headers = dict(line.lower().split(b": ", 1) for line in iter(response.readline, b"\r\n"))
            assert b"another site" in response.read(int(headers[b"content-length"]))


async def run(exchange: Any) -> None:
    await exchange


def exchange(chunks: int, http_version: str = "1.0", linger_s: float = 60) -> tuple[list[Message], int]:
    """Messages of a response that is sent before the first chunk is read, and the number of chunks read afterwards.

    After `chunks` chunks, the body pauses without end.
    """
    sent: list[Message] = []
    received: list[int] = []

    async def receive() -> Message:
        if len(received) == chunks:
            await asyncio.Event().wait()
        received.append(len(sent))
        return {"type": "http.request", "body": b"x", "more_body": len(received) < 3}

    async def send(message: Message) -> None:
        sent.append(message)

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 403, "headers": []})
        await send({"type": "http.response.body", "body": b"no"})

    scope = {"type": "http", "http_version": http_version, "headers": []}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lingering_close, "LINGER_S", linger_s)
        wait_for(run(LingeringClose(refuse)(scope, receive, send)))
    assert set(received) <= {2}, "the response is sent at once, before the rest of the body"
    return sent, len(received)


def is_complete(messages: list[Message]) -> list[bool]:
    return [not message.get("more_body", False) for message in messages if message["type"] == "http.response.body"]


def test_the_response_ends_when_the_request_is_complete() -> None:
    messages, chunks = exchange(chunks=3)
    assert (is_complete(messages), chunks) == ([False, True], 3)


def test_the_response_ends_after_a_limited_time() -> None:
    messages, chunks = exchange(chunks=1, linger_s=0.05)
    assert (is_complete(messages), chunks) == ([False, True], 1)


def test_on_a_connection_that_stays_open_nothing_is_received() -> None:
    messages, chunks = exchange(chunks=3, http_version="1.1")
    assert (is_complete(messages), chunks) == ([True], 0)
