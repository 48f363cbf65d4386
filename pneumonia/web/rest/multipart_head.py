"""The text before the first part of a multipart body, which is ignored (RFC 2046, section 5.1.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator

MAX_PREAMBLE_BYTES = 1_000
"""Bytes before the first boundary. Mail libraries write a line there, such as "This is a multi-part message"."""


async def without_preamble(chunks: AsyncIterator[bytes], boundary: bytes) -> AsyncIterator[bytes]:
    """The chunks of a body from its first boundary on; all of it, for the parser to refuse, if that is not certain.

    A part whose boundary is damaged is no preamble: its film would be lost.
    """
    head, is_decided = b"\n", False  # the first boundary may be the first line
    async for chunk in chunks:
        if is_decided:
            yield chunk
            continue
        head += chunk
        position = head.find(b"\n--" + boundary)
        is_decided = position >= 0 or len(head) > MAX_PREAMBLE_BYTES
        if is_decided:
            yield head[position + 1 if _is_preamble(head, position) else 1 :]
    if not is_decided:
        yield head[1:]


def _is_preamble(head: bytes, length: int) -> bool:
    return 0 <= length <= MAX_PREAMBLE_BYTES and b"content-disposition" not in head[:length].lower()
