"""The commands of docs/hospital.md, run as they stand there, on other ports."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pydicom
import pytest
from PIL import Image

from benchmarks.service_process import free_port

from ..support.dicom_programs import find_program
from ..support.systems import linux

pytest.importorskip("pynetdicom", reason="needs requirements-hospital.txt")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "hospital.md").read_text()
SHOWN, END = "READY FOR A LOOK", "go on"
TIMEOUT_S = 300


def blocks() -> list[str]:
    """The shell commands of the page; the first block installs packages."""
    return re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def script(ports: dict[str, int]) -> str:
    """All commands but the installation, with other ports, and a pause before the last block, which ends everything."""
    start, *middle, stop = blocks()[1:]
    replacements = "; ".join(f"s/\\b{old}\\b/{new}/" for old, new in ports.items())
    copied = f"sed -i '{replacements}' demo/orthanc.json demo/pacs.toml\n"
    first, _, rest = start.partition("\n")
    commands = [first, copied, rest, *middle, f"echo {SHOWN}; read _\n", stop]
    text = "\n".join(commands)
    for old, new in ports.items():
        text = (
            re.sub(rf"(?<=[ :]){old}\b(?!/)", str(new), text) if old == "4242" else text.replace(f":{old}", f":{new}")
        )
    return "set -em\n" + text.replace(".venv/bin/python", sys.executable)


def test_the_page_installs_what_its_commands_use() -> None:
    assert "requirements-hospital.txt" in blocks()[0]
    for package in ("orthanc", "dcmtk", "curl", "python3-venv"):
        assert package in blocks()[0]


@pytest.mark.slow
@linux
def test_a_film_in_orthanc_becomes_a_result_in_orthanc(tmp_path: Path) -> None:
    for program in ("Orthanc", "storescu", "dsrdump", "curl"):
        find_program(program)
    for folder in ("docs", "pneumonia"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    ports = {name: free_port() for name in ("4242", "8042", "11112", "8112")}
    process = subprocess.Popen(
        ["bash", "-c", script(ports)],
        cwd=tmp_path,
        # A user has no path to the package: it is found because the commands run in the folder of the repository.
        env={**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, "PATH": without_environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    # Ends a command that waits for something that does not come; the output then has no marker.
    watchdog = threading.Timer(TIMEOUT_S, end_session, [process.pid])
    watchdog.start()
    try:
        output = output_until(process, SHOWN)
        check_report(output)
        check_picture(f"http://127.0.0.1:{ports['8042']}")
        assert process.communicate(f"{END}\n", timeout=TIMEOUT_S) and process.returncode == 0
        assert not (tmp_path / "demo").exists()
    finally:
        watchdog.cancel()
        end_session(process.pid)


def output_until(process: subprocess.Popen[str], marker: str) -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if marker in line:
            return "".join(lines)
    pytest.fail("".join(lines))


def check_report(output: str) -> None:
    assert '"status": "' in output or '"status":"' in output, "the health of the service"
    assert "Imaging Measurement Report" in output or "Imaging Measurements" in output, output
    assert "pneumonia" in output.lower()


def check_picture(address: str) -> None:
    with httpx.Client(base_url=address, auth=("demo", "demo"), trust_env=False, timeout=30) as client:
        (study,) = client.get("/studies").json()
        instances = client.get(f"/studies/{study}/instances").json()
        assert len(instances) == 3
        classes = {}
        for instance in instances:
            name = instance["ID"]
            dataset = pydicom.dcmread(io.BytesIO(client.get(f"/instances/{name}/file").content))
            classes[dataset.SOPClassUID.name] = name
            assert dataset.PatientID == "EXAMPLE-1" and str(dataset.PatientName) == "Example^Film"
        assert set(classes) == {
            "Computed Radiography Image Storage",
            "Comprehensive SR Storage",
            "Secondary Capture Image Storage",
        }
        preview = client.get(f"/instances/{classes['Secondary Capture Image Storage']}/preview").content
        assert min(Image.open(io.BytesIO(preview)).size) > 300


def without_environment() -> str:
    """The search path without the programs of this Python environment: pynetdicom installs another `storescu`."""
    own = Path(sys.executable).parent
    return os.pathsep.join(each for each in os.get_exec_path() if Path(each) != own)


def end_session(leader: int) -> None:
    """Kill what is left of the session, each job of which is a process group of its own."""
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                if os.getsid(int(path.name)) == leader:
                    os.kill(int(path.name), signal.SIGKILL)
            except ProcessLookupError:
                continue
