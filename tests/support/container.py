"""Builds and runs the container without a container engine: the same steps, with functions of the Linux kernel.

    python -m tests.support.container [--python python3.12] [--json FILE]          as root, on Linux; a minute

A copy-on-write layer over this machine's files (overlayfs) replaces the base image, and a new virtual environment of
PYTHON replaces its interpreter. The steps of the Dockerfile are executed in it unchanged. Then it is made read-only,
/tmp becomes the tmpfs of compose.yaml, and CMD runs as USER without capabilities in a network namespace that has only
the loopback interface. The health check and a prediction must pass there. No file of this machine is changed.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 180

BASE_LIBRARIES = re.compile(
    r"(lib(c|m|dl|pthread|rt|util|gcc_s|stdc\+\+|z)|ld-linux-x86-64|ld-linux-aarch64)\.so(\.[\d.]+)?"
)
"""Libraries of every Debian image, also the slim ones: libc6, libgcc-s1, libstdc++6 (apt needs them), zlib1g (dpkg)."""

VENDOR_PLUGINS = "ai_edge_litert/vendors"
"""LiteRT's plugins for vendors' accelerators. They are never loaded, and their libraries are missing on any system."""

NO_PRIVILEGES = ("--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")
"""The options of compose.yaml: `no-new-privileges` and `cap_drop: ALL`."""

PREDICT = """
import json, sys
from pathlib import Path
from gradio_client import Client, handle_file
film = next(Path("/app/pneumonia/models/children/examples").glob("*normal*.png"))
print(json.dumps(Client("http://127.0.0.1:7860", verbose=False).predict(handle_file(film), api_name="/predict")))
"""

INSPECT = """
import importlib.util, os, json
def writes(folder):
    try:
        open(os.path.join(folder, "x"), "w").close()
    except OSError:
        return False
    return True
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
training = ("tensorflow", "keras", "sklearn", "scipy", "matplotlib", "cv2", "ray", "pyarrow")
print(json.dumps({
    "uid": os.getuid(),
    "capabilities": int(status["CapEff"], 16) | int(status["CapBnd"], 16),
    "no_new_privileges": status["NoNewPrivs"].strip() == "1",
    "writes": [folder for folder in ("/", "/app", "/app/pneumonia", "/usr", "/var", "/tmp") if writes(folder)],
    "training": [name for name in training if importlib.util.find_spec(name)],
}))
"""


@dataclass(frozen=True)
class Step:
    """One instruction of a Dockerfile: its name, for example `RUN`, and the rest of the line."""

    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        """The words of the rest, in the JSON form or the shell form."""
        return list(json.loads(self.rest)) if self.rest.startswith("[") else shlex.split(self.rest)


def steps(dockerfile: str) -> list[Step]:
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Step(*line.split(None, 1)) for line in joined.splitlines()]


def health_check(parsed: list[Step]) -> list[str]:
    (rest,) = (step.rest for step in parsed if step.name == "HEALTHCHECK")
    return list(json.loads(rest.split("CMD", 1)[1]))


def build_context(root: Path, patterns: list[str]) -> list[Path]:
    """Return the files that `.dockerignore` does not exclude. The last pattern that matches a file or folder wins."""
    paths = []
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name).relative_to(root)
            if not _is_ignored(path, patterns):
                paths.append(path)
    return sorted(paths)


def _is_ignored(path: Path, patterns: list[str]) -> bool:
    ignored = False
    for pattern in patterns:
        bare = pattern.removeprefix("!")
        names = [path, *path.parents][:-1]
        anywhere = bare.removeprefix("**/")
        fits = any(fnmatch.fnmatch(each.as_posix(), bare) for each in names) or (
            anywhere != bare and any(fnmatch.fnmatch(each.name, anywhere) for each in names)
        )
        if fits:
            ignored = not pattern.startswith("!")
    return ignored


def ignore_patterns() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@dataclass
class Image:
    """The root folder that the steps fill, and the settings for its processes."""

    root: Path
    folder: str = "/"
    user: str = "root"
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def execute(self, step: Step) -> None:
        print(f"-- {step.name} {step.rest}"[:110], flush=True)
        getattr(self, f"_{step.name.lower()}")(step)

    def start(self, command: list[str], *, prefix: tuple[str, ...] = (), **options: Any) -> subprocess.Popen[str]:
        """Start a command in the image, as its user."""
        script = 'cd "$0" && exec "$@"'
        user = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *NO_PRIVILEGES]
        drop_privileges = [] if self.user == "root" else user
        full_command = [*prefix, "chroot", str(self.root), "sh", "-c", script, self.folder, *drop_privileges, *command]
        return subprocess.Popen(full_command, env=self.environment, text=True, **options)

    def _from(self, step: Step) -> None:
        pass  # `build` has prepared the base

    def _env(self, step: Step) -> None:
        self.environment |= dict(word.split("=", 1) for word in step.words)

    def _workdir(self, step: Step) -> None:
        self.folder = step.rest
        (self.root / step.rest.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _copy(self, step: Step) -> None:
        *sources, target = step.words
        target_folder = self.root / self.folder.lstrip("/") / target
        for path in build_context(ROOT, ignore_patterns()):
            for source in sources:
                if path == Path(source):
                    destination = target_folder / path.name
                elif path.is_relative_to(source):
                    destination = target_folder / path.relative_to(source)
                else:
                    continue
                destination.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, destination)

    def _run(self, step: Step) -> None:
        if self.start(["sh", "-c", step.rest]).wait() != 0:
            raise SystemExit(f"failed: RUN {step.rest}")

    def _user(self, step: Step) -> None:
        self.user = step.rest

    def _expose(self, step: Step) -> None:
        pass

    def _healthcheck(self, step: Step) -> None:
        pass

    def _cmd(self, step: Step) -> None:
        self.command = step.words


def build(folder: Path, python: str) -> Image:
    """Build the image of the Dockerfile in `folder`, over the files of this machine."""
    _mount("tmpfs", "tmpfs", folder, "size=3g")
    for name in ("upper", "work", "root"):
        (folder / name).mkdir()
    layers = f"lowerdir=/,upperdir={folder / 'upper'},workdir={folder / 'work'}"
    root = folder / "root"
    _mount("overlay", "overlay", root, layers)
    for name in ("proc", "dev", "sys"):
        subprocess.run(["mount", "--rbind", f"/{name}", root / name], check=True)
    # Hides this checkout and an existing /app, so that the image cannot use files that it did not copy.
    _mount("tmpfs", "tmpfs", root / str(ROOT).lstrip("/"), "size=1m")
    shutil.rmtree(root / "app", ignore_errors=True)
    _make_interpreter_readable(root, python)
    subprocess.run(["chroot", root, python, "-m", "venv", "/opt/base"], check=True)
    inherited = {
        name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.endswith("_proxy")
    }
    image = Image(
        root, environment={**inherited, "PATH": "/opt/base/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    for step in steps((ROOT / "Dockerfile").read_text()):
        image.execute(step)
    return image


def _make_interpreter_readable(root: Path, python: str) -> None:
    """Let the image's user read an interpreter in a folder of root, by changing modes in the layer only."""
    for folder in Path(python).resolve().parents[:-1]:
        (root / str(folder).lstrip("/")).chmod(0o755)


def _mount(kind: str, source: str, target: Path, options: str) -> None:
    subprocess.run(["mount", "-t", kind, "-o", options, source, target], check=True)


def installed_size(image: Image) -> dict[str, float]:
    """Return the megabytes that the steps have added to the base."""
    (packages,) = image.root.glob("opt/base/lib/python3.*/site-packages")
    added = [path for path in packages.iterdir() if not path.name.startswith(("pip", "setuptools"))]
    return {"packages_mb": _megabytes(added), "app_mb": _megabytes([image.root / "app"])}


def _megabytes(paths: list[Path]) -> float:
    output = subprocess.run(["du", "-sc", "--block-size=1", *paths], capture_output=True, text=True, check=True).stdout
    return round(int(output.splitlines()[-1].split()[0]) / 1e6, 1)


def foreign_libraries(image: Image) -> set[str]:
    """Return shared libraries that packages need from the system, or that are missing, and that no slim image has."""
    (packages,) = image.root.glob("opt/base/lib/python3.*/site-packages")
    missing = set()
    for path in packages.rglob("*.so*"):
        # A library in a package folder is found through the library that loads it.
        if VENDOR_PLUGINS in path.as_posix() or ".libs/" in path.as_posix() or not path.is_file():
            continue
        output = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
        for name, resolved in re.findall(r"^\s+(\S+) => (\S+|not found)", output, re.MULTILINE):
            if "site-packages" not in resolved and not BASE_LIBRARIES.fullmatch(name):
                missing.add(name)
    return missing


def serve(image: Image, service: dict[str, Any]) -> dict[str, Any]:
    """Run CMD with the options of compose.yaml; return start-up time, prediction, privileges and peak memory."""
    (tmpfs,) = service["tmpfs"]
    assert tmpfs.startswith("/tmp:") and service["read_only"] and service["cap_drop"] == ["ALL"]
    subprocess.run(["mount", "-o", "remount,ro", image.root], check=True)
    _mount("tmpfs", "tmpfs", image.root / "tmp", tmpfs.removeprefix("/tmp:"))
    network_namespace = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "-")
    page = image.start(image.command, prefix=network_namespace)
    try:
        enter_namespace = ("nsenter", f"--net=/proc/{page.pid}/ns/net")
        time.sleep(1)
        seconds = _until_healthy(image, enter_namespace, page)
        report = {"healthy_after_s": round(seconds, 1)}
        report |= {"prediction": json.loads(_output(image, enter_namespace, ["python", "-c", PREDICT]))}
        report |= json.loads(_output(image, enter_namespace, ["python", "-c", INSPECT]))
        return report | {"peak_memory_mb": _peak_memory_mb(page.pid)}
    finally:
        page.terminate()
        page.wait(30)


def _until_healthy(image: Image, prefix: tuple[str, ...], page: subprocess.Popen[str]) -> float:
    started = time.monotonic()
    check = health_check(steps((ROOT / "Dockerfile").read_text()))
    while time.monotonic() - started < TIMEOUT_S:
        if page.poll() is not None:
            raise SystemExit(f"CMD ended with {page.returncode}")
        if image.start(check, prefix=prefix, stderr=subprocess.DEVNULL).wait() == 0:
            return time.monotonic() - started
        time.sleep(0.5)
    raise SystemExit(f"not healthy within {TIMEOUT_S} s")


def _output(image: Image, prefix: tuple[str, ...], command: list[str]) -> str:
    process = image.start(command, prefix=prefix, stdout=subprocess.PIPE)
    output = process.communicate(timeout=TIMEOUT_S)[0]
    if process.returncode:
        raise SystemExit(f"failed in the image: {command[-1]}")
    return output.splitlines()[-1]


def _peak_memory_mb(pid: int) -> float:
    """Return the peak resident memory of the serving process in MB."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1e3, 1)


def measure(folder: Path, python: str) -> dict[str, Any]:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["film"]
    image = build(folder, python)
    report = {**installed_size(image), "foreign_libraries": sorted(foreign_libraries(image))}
    return report | serve(image, service)


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds and runs the container without an engine.")
    parser.add_argument("--python", default=sys.executable, help="interpreter that replaces the one of the base image")
    parser.add_argument("--json", type=Path, help="also write the report to this file")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder is None:
        with tempfile.TemporaryDirectory(prefix="container-") as folder:
            # Runs itself in a mount namespace, so that the mounts end with it.
            command = [sys.executable, "-m", "tests.support.container", *sys.argv[1:], "--folder", folder]
            return subprocess.run(["unshare", "--mount", "--propagation", "private", *command], cwd=ROOT).returncode
    report = measure(options.folder, os.path.realpath(shutil.which(options.python) or options.python))
    text = json.dumps(report, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
