"""A model bundle from the Hub, by commit, in bounded time.

Names that can move (a branch, a tag) are asked of the Hub each time; what the cache holds of them may be another model
by now. A commit cannot move: where the cache has it whole, no request is made.
"""

from __future__ import annotations

import errno
import queue
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from .. import settings
from ..errors import BundleCorrupt, DiskFull, HubUnreachable, ModelNotFound, PneumoniaError, RevisionNotFound
from ..files import walk_bottom_up
from . import bundle

if TYPE_CHECKING:
    from huggingface_hub import HfApi

MAX_DOWNLOAD_S = 300
"""A download is given up after so many seconds even if it still moves."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_POLL_INTERVAL_S = 0.1
_CHUNK_BYTES = 65_536

DownloadedBundle: TypeAlias = tuple[Path, str]


def download_bundle(
    repository: str, revision: str, *, endpoint: str | None = None, cache: Path | None = None
) -> DownloadedBundle:
    """(folder, commit) of a bundle whose files are all there; they are not verified yet.

    Raises `ModelNotFound`, `RevisionNotFound`, `HubUnreachable` or `DiskFull`, after `PNEUMONIA_HUB_TIMEOUT_S` seconds
    without progress or 300 in all at the latest.
    """
    from huggingface_hub import HfApi, constants  # 1 s to import, and the embedded model needs no Hub

    # Its 10 MB would hide a slow but steady download of a whole bundle from the watch on the folder's size.
    constants.DOWNLOAD_CHUNK_SIZE = _CHUNK_BYTES
    cache = cache or Path(constants.HF_HUB_CACHE)
    folder = cache / f"models--{repository.replace('/', '--')}"
    timeout_s = settings.HUB_TIMEOUT_S.read()
    api = HfApi(endpoint=endpoint)

    def task() -> DownloadedBundle:
        try:
            return _download(api, repository, revision, cache, timeout_s)
        except PneumoniaError:
            raise
        except Exception as error:
            raise _to_pneumonia_error(error, repository, revision, folder) from None

    try:
        return _run_while_growing(task, folder, timeout_s)
    except TimeoutError as error:
        raise HubUnreachable(f"The Hub does not answer: {error}. {_cache_hint(folder, repository)}") from None


def _download(api: HfApi, repository: str, revision: str, cache: Path, timeout_s: float) -> DownloadedBundle:
    commit = revision
    if not _COMMIT.fullmatch(revision):
        commit = str(api.model_info(repository, revision=revision, timeout=timeout_s).sha)

    def fetch(name: str) -> Path:
        path = api.hf_hub_download(repository, name, revision=commit, cache_dir=cache, etag_timeout=timeout_s)
        return Path(path)

    folder = fetch(bundle.CONFIG).parent
    config, _ = bundle.read_config(folder)
    for name in config["files"]:
        if name not in bundle.TRAINING_ONLY_FILES:
            fetch(name)
    return folder, commit


def _run_while_growing(task: Callable[[], DownloadedBundle], folder: Path, timeout_s: float) -> DownloadedBundle:
    """Run `work` as long as `folder` grows; a request that hangs inside a library cannot be stopped in another way.

    The thread that is given up writes to the Hub's cache only, where a file counts once it is whole.
    """
    outcome: queue.SimpleQueue[DownloadedBundle | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put(task())
        except BaseException as error:
            outcome.put(error)

    threading.Thread(target=run, name="hub-download", daemon=True).start()
    started_at = grew_at = time.monotonic()
    size = _folder_size(folder)
    while True:
        try:
            result = outcome.get(timeout=_POLL_INTERVAL_S)
        except queue.Empty:
            now, new_size = time.monotonic(), _folder_size(folder)
            # Only beyond the largest size so far: a download that starts again and again is no progress.
            grew_at, size = (now, new_size) if new_size > size else (grew_at, size)
            if now - grew_at > timeout_s:
                raise TimeoutError(f"no progress for {timeout_s} s") from None
            if now - started_at > MAX_DOWNLOAD_S:
                raise TimeoutError(f"not done after {MAX_DOWNLOAD_S} s") from None
            continue
        if isinstance(result, BaseException):
            raise result
        return result


def _folder_size(folder: Path) -> int:
    """Bytes under `folder`, files that come and go included."""
    total = 0
    for path in walk_bottom_up(folder):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:
            continue
    return total


def _to_pneumonia_error(error: Exception, repository: str, revision: str, folder: Path) -> PneumoniaError:
    """The hub library's own errors as ours; its texts are left out, since they may quote a token or an address."""
    from huggingface_hub import errors

    if isinstance(error, errors.RevisionNotFoundError):
        return RevisionNotFound(f"{repository} has no such revision on the Hub. Received: {revision!r}.")
    if isinstance(error, (errors.RepositoryNotFoundError, errors.HFValidationError)):
        return ModelNotFound(
            "There is no such model on the Hub, or it is private and no token allows it. "
            f"Allowed: owner/name[@revision]. Received: {repository!r}."
        )
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return BundleCorrupt(f"{repository}@{revision} lacks a file of the model bundle.")
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull("The disk is full; the model could not be downloaded. Free 50 MB and try again.")
    status = getattr(getattr(error, "response", None), "status_code", None)
    detail = f"it answered {status}" if status else "no connection"
    return HubUnreachable(f"The Hub cannot be used ({detail}). {_cache_hint(folder, repository)}")


def _cache_hint(folder: Path, repository: str) -> str:
    """A name that moves cannot be checked offline; a commit that is in the cache can be asked for by itself."""
    commits = sorted(path.name for path in folder.glob("snapshots/*") if _is_complete(path))
    if not commits:
        return "Nothing of this model is in the cache; the embedded model needs no Hub (leave PNEUMONIA_MODEL empty)."
    return f"The cache holds {', '.join(f'{repository}@{commit}' for commit in commits)}: ask for it by this name."


def _is_complete(snapshot: Path) -> bool:
    try:
        config, _ = bundle.read_config(snapshot)
    except PneumoniaError:
        return False
    return all((snapshot / name).exists() for name in config["files"] if name not in bundle.TRAINING_ONLY_FILES)
