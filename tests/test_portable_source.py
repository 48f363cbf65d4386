"""Rules for the source code that keep it running on Linux, macOS and Windows."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted([*(ROOT / "pneumonia").rglob("*.py"), ROOT / "app.py", ROOT / "train.py"])

SYSTEM_MODULES = {"fcntl", "msvcrt", "winreg", "resource", "pwd", "grp", "ctypes", "multiprocessing", "termios"}
"""Modules that one system lacks, or whose effect differs between systems."""

SYSTEM_NAMES = {
    *("os.name", "os.uname", "os.fork", "os.kill", "os.killpg", "os.getuid", "os.geteuid", "os.mkfifo", "os.setsid"),
    *("os.O_DIRECTORY", "os.O_NOFOLLOW", "os.statvfs", "os.chown", "os.sysconf", "os.fchmod", "os.link", "os.symlink"),
    *("os.fsync", "os.replace", "os.rename", "os.sched_getaffinity", "os.register_at_fork", "signal.SIGKILL"),
    *("signal.SIGTERM", "signal.SIGXCPU", "sys.platform", "platform.system"),
}

ALLOWED = {
    "pneumonia/operating_system.py": {"fcntl", "ctypes", "resource", "os.name"},
    # A program of its own, which imports nothing of the package.
    "pneumonia/imaging/dicom/decoder_worker.py": {"ctypes", "resource", "signal.SIGTERM"},
    # Windows has the name and never sends the signal; Ctrl+C is SIGINT everywhere.
    "pneumonia/pacs/service.py": {"signal.SIGTERM"},
    "pneumonia/pacs/worker_process.py": {"signal.SIGTERM"},
    # For the message on a system without LiteRT.
    "pneumonia/inference/graph.py": {"platform.system"},
    # Asked for with `hasattr`.
    "pneumonia/imaging/dicom/decoder_pool.py": {"os.register_at_fork", "signal.SIGXCPU"},
    "pneumonia/settings.py": {"os.sched_getaffinity"},
    # Both are opened for writing.
    "pneumonia/files/atomic.py": {"os.fsync"},
    "pneumonia/archive/storage.py": {"os.fsync"},
    # A copy replaces the link where the file system has none.
    "pneumonia/web/batch_uploads.py": {"os.link"},
}
"""File -> what it uses although not every system has it, or has it with the same effect."""

SYSTEM_ARGUMENTS = {"preexec_fn", "start_new_session", "pass_fds", "creationflags", "process_group"}
SYSTEM_PATHS = ("/proc", "/dev/", "/tmp", "/etc/", "/sys/")
PATHS_ALLOWED = {"pneumonia/imaging/dicom/decoder_worker.py", "pneumonia/operating_system.py"}
"""They read /proc and /dev/fd where these exist."""

OPENING = {"open", "read_text", "write_text", "fdopen", "TemporaryFile", "NamedTemporaryFile"}


def relative_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_bytes())))


def uses(path: Path) -> Iterator[str]:
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from {alias.name.split(".")[0] for alias in node.names} & SYSTEM_MODULES
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from {node.module.split(".")[0]} & SYSTEM_MODULES
        elif isinstance(node, ast.Attribute):
            yield from {ast.unparse(node)} & SYSTEM_NAMES


def test_what_differs_between_systems_is_in_one_place() -> None:
    """Each exception is also used."""
    assert {relative_name(path): names for path in FILES if (names := set(uses(path)))} == ALLOWED


def test_a_process_is_started_with_the_options_of_its_system() -> None:
    calls = [(path, node) for path in FILES for node in nodes_of(path) if isinstance(node, ast.Call)]
    arguments = [(relative_name(path), word.arg) for path, call in calls for word in call.keywords]
    assert [(name, argument) for name, argument in arguments if argument in SYSTEM_ARGUMENTS] == []


def test_no_path_of_one_system_is_used() -> None:
    paths = {relative_name(path): set(_texts(path)) for path in FILES}
    assert {name for name, texts in paths.items() if any(map(_is_system_path, texts))} <= PATHS_ALLOWED


def _texts(path: Path) -> Iterator[str]:
    """The strings of a file, except its docstrings."""
    documentation = {id(node.value) for node in nodes_of(path) if isinstance(node, ast.Expr)}
    for node in nodes_of(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def _is_system_path(text: str) -> bool:
    return text.startswith(SYSTEM_PATHS)


def test_text_files_name_their_encoding() -> None:
    """Without it Windows uses cp1252, and converts each line feed that is written."""
    for path in FILES:
        for node in nodes_of(path):
            if isinstance(node, ast.Call) and _function_name(node) in OPENING and not _is_binary(node):
                arguments = {word.arg for word in node.keywords}
                assert "encoding" in arguments, (relative_name(path), ast.unparse(node))
                if _function_name(node) == "write_text":
                    assert "newline" in arguments, (relative_name(path), ast.unparse(node))


def _function_name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _is_binary(call: ast.Call) -> bool:
    """True for a binary mode, and for `open` functions of other libraries, which have no mode."""
    if ast.unparse(call.func) == "os.open":  # flags, no mode
        return True
    modes = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
    if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in {"Image", "archive"}:
        return True
    return any(isinstance(mode, ast.Constant) and "b" in str(mode.value) for mode in modes)


def test_line_endings_and_binary_files_survive_git_on_windows(tmp_path: Path) -> None:
    """The hashes of the model are those of the bytes; Git for Windows converts line feeds unless it is told not to."""
    model = ROOT / "pneumonia" / "models" / "children"
    names = [".gitattributes", ".ci/run", "app.py", "requirements.lock"]
    names += [relative_name(path) for path in model.rglob("*") if path.is_file()]
    source, clone = tmp_path / "source", tmp_path / "clone"
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    if git("init", "--quiet", str(source)) is None:
        pytest.skip("needs git")
    author = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    git("-C", str(source), "-c", "core.autocrlf=true", "-c", "core.safecrlf=false", "add", ".")
    git("-C", str(source), *author, "commit", "--quiet", "-m", "files")
    git("clone", "--quiet", "-c", "core.autocrlf=true", "-c", "core.eol=crlf", str(source), str(clone))
    assert {name: (clone / name).read_bytes() == (ROOT / name).read_bytes() for name in names} == dict.fromkeys(
        names, True
    )


def git(*arguments: str) -> str | None:
    """The output of a git command; None without git."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        return None


def test_no_two_files_differ_in_case_only() -> None:
    names = git("-C", str(ROOT), "ls-files")
    if not names:
        pytest.skip("needs a checkout")
    lower = [name.lower() for name in names.splitlines()]
    assert len(set(lower)) == len(lower)
