"""The private names of Gradio that this package uses: each exists and behaves as `gradio_internals` expects."""

from __future__ import annotations

import ast
import hashlib
import inspect
import io
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from gradio import processing_utils, queueing, route_utils
from gradio.utils import get_hash_seed

from pneumonia import Predictor
from pneumonia.web import page
from pneumonia.web.server import gradio_internals
from pneumonia.web.server.gradio_internals import FILE_LISTS, FILE_SALT, INTERNALS, QUEUE, SESSIONS, Internal

WEB = Path(page.__file__).parent
PRIVATE_MODULES = {
    "queueing",
    "server_messages",
    "route_utils",
    "processing_utils",
    "state_holder",
    "routes",
    "context",
}


@pytest.fixture(scope="module")
def blocks(predictor: Predictor) -> Iterator[gr.Blocks]:
    yield page.create_app(predictor).state.page


def changed(internal: Internal, part: str) -> str:
    return f"Gradio {gr.__version__} has changed {internal.name}: {part}. It is used because: {internal.reason}"


def test_there_are_at_most_four_and_each_has_a_reason() -> None:
    assert len(INTERNALS) <= 4
    assert all(len(internal.reason) > 60 and internal.issue for internal in INTERNALS)


def test_the_queue_has_the_parts_that_are_used(blocks: gr.Blocks) -> None:
    for part in QUEUE.parts:
        assert hasattr(blocks._queue, part), changed(QUEUE, f"it has no attribute {part}")
    parameters = list(inspect.signature(queueing.Queue.push).parameters)
    assert parameters == ["self", "body", "request", "username"], changed(
        QUEUE, f"push has the parameters {parameters}"
    )
    parameters = list(inspect.signature(queueing.Queue.process_events).parameters)[:2]
    assert parameters == ["self", "events"], changed(QUEUE, f"process_events has the parameters {parameters}")
    source = inspect.getsource(queueing.Queue.push)
    assert '"queue_full"' in source, changed(QUEUE, "push no longer reports a full queue")
    for attribute in ("_id", "session_hash", "data", "request"):
        assert f"self.{attribute}" in inspect.getsource(queueing.Event), changed(QUEUE, f"an event has no {attribute}")


def test_the_session_states_have_the_parts_that_are_used(blocks: gr.Blocks) -> None:
    for part in SESSIONS.parts:
        assert hasattr(blocks.state_holder, part), changed(SESSIONS, f"it has no attribute {part}")
    capacity = blocks.state_holder.capacity
    assert capacity == 1_000, changed(SESSIONS, f"the number of sessions is {capacity}, not state_session_capacity")


def test_the_names_of_stored_files_are_salted(blocks: gr.Blocks, tmp_path: Path) -> None:
    film = tmp_path / "film"
    film.write_bytes(b"a film")
    unsalted = hashlib.sha256(get_hash_seed().encode() + b"a film").hexdigest()
    assert processing_utils.hash_file(film) != unsalted, changed(FILE_SALT, "hash_file does not use it")
    upload = route_utils.GradioUploadFile(io.BytesIO())
    upload.sha.update(b"a film")
    assert upload.sha.hexdigest() == processing_utils.hash_file(film), changed(FILE_SALT, "uploads do not use it")


def test_the_lists_of_files_are_sets_of_paths(blocks: gr.Blocks) -> None:
    assert all(isinstance(names, set) for names in blocks.temp_file_sets), changed(FILE_LISTS, "it holds no sets")
    assert blocks.upload_file_set in blocks.temp_file_sets, changed(FILE_LISTS, "it does not contain the uploads")


def test_what_mount_gradio_app_does_not_set_is_set(blocks: gr.Blocks) -> None:
    assert blocks.has_launched, "Gradio then does not check that the files named in a call are uploads"
    assert "has_launched" in inspect.getsource(processing_utils._check_allowed), (
        f"Gradio {gr.__version__} no longer decides by has_launched whether it checks the files named in a call"
    )
    assert blocks.app.get_blocks() is blocks, "the event streams of this application end when the page is closed"


@pytest.mark.parametrize("path", sorted(WEB.rglob("*.py")), ids=lambda path: path.name)
def test_no_other_module_uses_a_private_name(path: Path) -> None:
    if path == Path(gradio_internals.__file__):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 0]
    for node in imports:
        words = {*(node.module or "").split("."), *(name.name for name in node.names)}
        assert not ("gradio" in words and words & PRIVATE_MODULES), f"{path.name} imports {node.module}"
    private = {
        *("_queue", "state_holder", "temp_file_sets", "hash_seed", "validate_inputs", "tokens", "cookie_id"),
        *("has_launched", "server_app", "state_session_capacity", "mcp_server_obj", "_local_url"),
    }
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & private
    assert not used, f"{path.name} uses {used}"
