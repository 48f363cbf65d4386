"""The private names of Gradio that this package uses: each exists and behaves as `gradio_internals` expects."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from gradio import mcp, processing_utils, queueing, route_utils

from pneumonia import Predictor
from pneumonia.web import page
from pneumonia.web.server import gradio_internals, http_server
from pneumonia.web.server.gradio_internals import INTERNALS, MCP_SERVER, QUEUE, SESSIONS, STORED_FILES, Internal

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


def test_the_names_of_stored_files_are_the_replaced_ones(blocks: gr.Blocks) -> None:
    assert route_utils.GradioUploadFile.__name__ == "RandomlyNamedUpload"
    used = inspect.getsource(route_utils.GradioMultiPartParser)
    assert "GradioUploadFile(" in used, changed(STORED_FILES, "uploads are not of the class GradioUploadFile")
    assert "hash_seed" in inspect.getsource(processing_utils.hash_bytes), changed(STORED_FILES, "hash_seed is not used")


def test_the_lists_of_files_are_sets_of_paths(blocks: gr.Blocks) -> None:
    assert all(isinstance(names, set) for names in blocks.temp_file_sets), changed(STORED_FILES, "it holds no sets")
    assert blocks.upload_file_set in blocks.temp_file_sets, changed(STORED_FILES, "it does not contain the uploads")


def test_the_mcp_server_calls_this_server_and_stores_films_in_its_folder(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the address, the first caller could name another host in the header `Host`, which would get the films."""
    monkeypatch.setenv("PNEUMONIA_MCP", "1")
    app = page.create_app(predictor)
    server = http_server.PageServer(app)
    server.socket.close()
    assert app.state.page.mcp_server_obj.local_url == server.address, changed(MCP_SERVER, "_local_url is not used")
    source = inspect.getsource(mcp.GradioMCPServer)
    assert "self.local_url or root_url" in source, changed(MCP_SERVER, "_local_url is not the address of its calls")
    assert "DEFAULT_TEMP_DIR" in source, changed(MCP_SERVER, "inline films are not stored in DEFAULT_TEMP_DIR")
    assert "pneumonia-uploads-" in mcp.DEFAULT_TEMP_DIR


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
    private = {"_queue", "state_holder", "temp_file_sets", "validate_inputs", "tokens", "cookie_id", "hash_seed"}
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & private
    assert not used, f"{path.name} uses {used}"
