"""Request bodies: a multipart form with films and parameters, or one film or ZIP as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from ...errors import TooLarge, UsageError
from ...messages import message
from .disposition import file_name
from .multipart_head import without_preamble
from .spool import Spool

FILM_FIELDS = ("file", "files")
"""Names of form fields that contain films."""

MAX_FIELD_BYTES = 1_000
"""Maximum size of a parameter in a form."""

MAX_FIELDS = 100
"""Maximum number of parameters in a form."""

MAX_HEADER_BYTES = 16_000
"""Maximum size of a header line of a part; the longest one names the file."""


class ClientGone(Exception):
    """The caller closed the connection: no response can be sent."""


@dataclass
class FilmPart:
    """One film, or ZIP, in a body: the name that the caller gave it, and where its bytes lie in the spool."""

    name: str | None
    start: int
    end: int = 0


@dataclass
class Body:
    """The films and the other fields of a body."""

    films: list[FilmPart] = field(default_factory=list)
    fields: list[tuple[str, str]] = field(default_factory=list)


async def read_body(scope: Scope, receive: Receive, spool: Spool, max_films: int) -> Body:
    """Read the body of a request completely; the bytes of its films are written to `spool`.

    A body that is no multipart form is one film, whatever its content type is; its name is the `filename` of a header
    `Content-Disposition`. Raises `UsageError` for a form that is damaged or has unknown fields, `TooLarge` for more
    than `max_films` films, `DiskFull`, and `ClientGone`.
    """
    headers = Headers(scope=scope)
    if headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
        raise UsageError(
            message(
                "A compressed body is not read. Allowed: no Content-Encoding. Received: {encoding!r}.",
                encoding=headers["content-encoding"][:40],
            )
        )
    content_type, options = parse_options_header(headers.get("content-type"))
    chunks = _chunks(receive)
    if content_type == b"multipart/form-data":
        return await _read_form(chunks, options.get(b"boundary", b""), spool, max_films)
    async for chunk in chunks:
        await spool.write(chunk)
    return Body([FilmPart(file_name(headers.get("content-disposition", "")), 0, spool.size)])


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientGone
        if event.get("body"):
            yield event["body"]
        if not event.get("more_body", False):
            return


async def _read_form(chunks: AsyncIterator[bytes], boundary: bytes, spool: Spool, max_films: int) -> Body:
    form = _Form(spool.size, max_films)
    try:
        if not boundary:
            raise FormParserError
        parser = MultipartParser(boundary, form.callbacks(), max_header_size=MAX_HEADER_BYTES)
        async for chunk in without_preamble(chunks, boundary):
            parser.write(chunk)
            for data in form.take_film_data():
                await spool.write(data)
        parser.finalize()
    except FormParserError:
        raise _damaged_form() from None
    if not form.is_complete:
        raise _damaged_form()
    return form.body


class _Form:
    """Receives the events of the multipart parser (RFC 7578)."""

    def __init__(self, start: int, max_films: int) -> None:
        self.body = Body()
        self.is_complete = False
        self._position = start
        self._max_films = max_films
        self._film_data: list[bytes] = []
        self._header_name, self._header_value = bytearray(), bytearray()
        self._disposition: dict[bytes, bytes] = {}
        self._file_name: str | None = None
        self._film: FilmPart | None = None
        self._value = bytearray()

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._add_header_name,
            "on_header_value": self._add_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def take_film_data(self) -> list[bytes]:
        """The bytes of films since the last call."""
        data, self._film_data = self._film_data, []
        return data

    def _begin_part(self) -> None:
        self._disposition, self._file_name, self._film, self._value = {}, None, None, bytearray()

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            _, self._disposition = parse_options_header(bytes(self._header_value))
            self._file_name = file_name(self._header_value.decode("latin-1"))
        self._header_name, self._header_value = bytearray(), bytearray()

    def _end_headers(self) -> None:
        if self._field_name in FILM_FIELDS:
            if len(self.body.films) >= self._max_films:
                raise too_many_films(self._max_films)
            self._film = FilmPart(self._file_name, self._position)
        elif b"filename" in self._disposition or len(self.body.fields) >= MAX_FIELDS:
            raise UsageError(
                message(
                    "Unknown form field of a file. Allowed: file, files. Received: {name!r}.",
                    name=self._field_name[:40],
                )
            )

    @property
    def _field_name(self) -> str:
        return _text(self._disposition.get(b"name", b""))

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._film is not None:
            self._film_data.append(data[start:end])
            self._position += end - start
        elif len(self._value) + end - start > MAX_FIELD_BYTES:
            raise UsageError(
                message(
                    "The form field {name!r} is too long. Allowed: {limit:,} bytes.",
                    name=self._field_name[:40],
                    limit=MAX_FIELD_BYTES,
                )
            )
        else:
            self._value += data[start:end]

    def _end_part(self) -> None:
        if self._film is not None:
            self._film.end = self._position
            if not self._is_empty_input(self._film):
                self.body.films.append(self._film)
        else:
            self.body.fields.append((self._field_name, _text(self._value)))

    def _is_empty_input(self, film: FilmPart) -> bool:
        """True for the part that a browser sends for a file input without a file: an empty name and no bytes."""
        return self._disposition.get(b"filename") == b"" and film.name is None and film.start == film.end

    def _end(self) -> None:
        self.is_complete = True


def _text(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "replace")


def _damaged_form() -> UsageError:
    return UsageError(message("The multipart form is damaged or incomplete. Send the request again."))


def too_many_films(limit: int) -> TooLarge:
    """The error for a request with more than `limit` films."""
    return TooLarge(message("Too many films in one request. Allowed: {limit:,}. Split it.", limit=limit))
