"""Decoder processes of a program: they end with it, a fork has its own, and neither loads what it does not need."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pneumonia.imaging.dicom import decoder_worker
from tests.imaging.dicom.compressed_film import COMPRESSED, FILM, has_ended, state
from tests.support.dicom_files import dicom
from tests.support.systems import linux

ROOT = Path(__file__).parents[3]

SPINS = f"""
import resource, sys
sys.path.insert(0, {str(ROOT)!r})
from pneumonia.imaging.dicom import decoder_worker
decoder_worker._limit_resources(10**9, 1)
print(resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True)
while True:
    pass
"""


@linux
def test_a_decoder_that_loops_after_the_service_was_killed_ends_without_a_core_dump() -> None:
    process = subprocess.run([sys.executable, "-c", SPINS], capture_output=True, text=True, timeout=600)
    assert (process.stdout.strip(), -process.returncode) == ("0", signal.SIGXCPU)


START = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom pathlib import Path\n"


def python(code: str, folder: Path, *arguments: object) -> str:
    """Output of a new interpreter started in `folder`; `pneumonia` is imported from this checkout."""
    command = [sys.executable, "-c", START + code, *map(str, arguments)]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


PID = "from pneumonia.imaging.dicom import decoder_pool\nprint(decoder_pool._pool._idle[0]._process.pid, flush=True)\n"


HARDENED = "from pneumonia.imaging.process_hardening import harden_process\nharden_process()\n"


DECODES = "from pneumonia.imaging import read\nread(Path(sys.argv[1]))\n" + PID


@pytest.fixture
def film_path(tmp_path: Path) -> Path:
    path = tmp_path / "film"
    path.write_bytes(COMPRESSED)
    return path


@pytest.mark.slow
@linux
def test_a_worker_ends_with_the_program(film_path: Path) -> None:
    assert has_ended(int(python(DECODES, film_path.parent, film_path)))


@pytest.mark.slow
@linux
def test_a_worker_ends_when_the_program_is_killed(film_path: Path) -> None:
    waits = START + DECODES + "import time\ntime.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", waits, film_path], stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        worker = int(service.stdout.readline())
        assert state(worker)[0] not in {"gone", "Z"}
        service.kill()
    assert has_ended(worker)


FORKS = """
import os
child = os.fork()
if child == 0:
    read(Path(sys.argv[1]))
    print(decoder_pool._pool._idle[0]._process.pid, flush=True)
    decoder_pool._pool.end()
    os._exit(0)
os.waitpid(child, 0)
read(Path(sys.argv[1]))
print(decoder_pool._pool._idle[0]._process.pid)
"""


@pytest.mark.slow
@linux
def test_a_forked_program_has_workers_of_its_own(film_path: Path) -> None:
    before, inside, after = python(DECODES + FORKS, film_path.parent, film_path).split()
    assert before == after != inside


@linux
def test_an_uncompressed_film_starts_no_process_and_loads_no_native_decoder(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(dicom(FILM))
    code = HARDENED + "from pneumonia.imaging import read\nread(Path(sys.argv[1]))\n"
    code += "from pneumonia.imaging.dicom import decoder_pool\n"
    code += "import pydicom\nprint(bool(sys.modules.get('gdcm')), decoder_pool._pool._idle)"
    assert python(code, tmp_path, tmp_path / "film") == "False []"


@linux
def test_a_compressed_film_loads_no_native_decoder_into_the_service(film_path: Path) -> None:
    code = HARDENED + DECODES + "print(bool(sys.modules.get('gdcm')))"
    assert python(code, film_path.parent, film_path).endswith("False")


def test_a_program_that_has_imported_gdcm_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(dicom(FILM))
    code = "import gdcm\n" + HARDENED + "from pneumonia.imaging import read\nread(Path(sys.argv[1]))\n"
    code += "print(sys.modules['gdcm'] is gdcm)"
    assert python(code, tmp_path, tmp_path / "film") == "True"


@pytest.mark.slow
def test_a_folder_with_the_name_of_a_module_that_gdcm_imports_is_ignored(film_path: Path) -> None:
    """GDCM imports a module `dl` if Python finds one, and fails if it is not the expected one."""
    (film_path.parent / "dl").mkdir()
    assert python("sys.path.insert(0, '')\n" + HARDENED + DECODES, film_path.parent, film_path).isdecimal()


def test_a_worker_imports_neither_page_nor_model() -> None:
    command = [sys.executable, "-X", "importtime", "-P", decoder_worker.__file__]
    process = subprocess.run(command, input="", capture_output=True, text=True, timeout=600)
    modules = {line.rpartition("|")[2].strip() for line in process.stderr.splitlines()}
    assert process.returncode == 0
    assert {"gdcm", "pydicom", "numpy"} <= modules
    assert not {"gradio", "tensorflow", "keras", "ai_edge_litert", "pneumonia", "huggingface_hub"} & modules
