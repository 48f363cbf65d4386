"""The whole page under the rules of Windows: open files, no `resource`, no C library by the name None, no /dev/fd."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom.uid import JPEGLosslessSV1

from benchmarks import service_process
from benchmarks.service_process import Service, call, predict, upload

from ...support import codestreams
from ...support.dicom_files import encapsulated
from ...support.systems import linux
from ...support.wait import wait_for

PAGE = """
import ctypes, os, runpy, sys
import pytest
from tests.support import windows_file_system

sys.modules["resource"] = None
load = ctypes.CDLL

def load_library(name, *options, **more):
    if name is None:
        raise TypeError("argument of type 'NoneType' is not iterable")
    return load(name, *options, **more)

ctypes.CDLL = load_library
list_folder = os.listdir
os.listdir = lambda path=".": list_folder(path if path != "/dev/fd" else "/no/such/folder")
from pneumonia import operating_system
windows_file_system.simulate(pytest.MonkeyPatch())
# The flags of Windows cannot be passed to a process of Linux; tests/test_operating_system.py checks them.
operating_system.detached_process_options = lambda: {}
sys.argv = ["app.py"]
runpy.run_path("app.py", run_name="__main__")
"""


@linux
@pytest.mark.slow
def test_the_page_answers_films_and_batches_and_deletes_them(
    tmp_path: Path, files: dict[str, Path], large_film: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(service_process.ROOT))
    program = tmp_path / "page.py"
    program.write_text(PAGE, encoding="utf-8")
    compressed = encapsulated(large_film, JPEGLosslessSV1, codestreams.jpeg_lossless(large_film, 8))
    command = (sys.executable, str(program))
    with service_process.running_service(tmp_path / "service", *command, PNEUMONIA_RETENTION_S="15") as service:
        names = ["film.png", "turned.png", "broken.jpg"]
        contents = {name: files[name].read_bytes() for name in names} | {"compressed.dcm": compressed}
        results = wait_for(_ask(service, contents))
        assert [result.get("label") or result["error"]["code"] for result in results[: len(contents)]] == [
            "Normal", "Unknown", "unreadable_image", "Normal",
        ]  # fmt: skip
        assert results[len(contents) :] == results[: len(contents)]
        assert "internal error" not in service.log_text() and "Traceback" not in service.log_text()
        deadline = time.monotonic() + 120
        while service.files() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert service.files() == []
    assert service.process.returncode == 0
    folders = [*service.uploads.iterdir(), *service.temporary.iterdir()]
    assert [path for path in folders if "pneumonia" in path.name] == []


async def _ask(service: Service, contents: dict[str, bytes]) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=service.address, timeout=60) as client:
        singles = [await predict(client, name, content) for name, content in contents.items()]
        rows = await call(client, "predict_batch", [[await upload(client, *each) for each in contents.items()]])
        return [*singles, *rows]
