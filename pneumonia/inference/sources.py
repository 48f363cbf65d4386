"""Sources of a model: embedded, a folder, or a repository on the Hub. No other model replaces the requested one."""

from __future__ import annotations

import re
from pathlib import Path

from .. import settings
from ..errors import BundleCorrupt, ModelNotFound
from . import bundle, hub_download
from .bundle import Bundle
from .embedded import CONFIG_SHA256

EMBEDDED_FOLDER = Path(__file__).parents[1] / "models" / "children"

_HUB_NAME = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


def load_bundle(model: str | None = None) -> Bundle:
    """Load and verify the bundle for "" (embedded), a folder, or `owner/name[@revision]` on the Hub.

    None reads `PNEUMONIA_MODEL`. An existing folder takes precedence over a Hub repository of the same name. Raises a
    `ModelError`.
    """
    name = settings.MODEL.read() if model is None else model
    if not name:
        return bundle.load(EMBEDDED_FOLDER, "embedded", config_sha256=CONFIG_SHA256)
    if Path(name).is_dir():
        return bundle.load(Path(name), Path(name).resolve().name)
    match = _HUB_NAME.fullmatch(name)
    if match is None:
        raise ModelNotFound(
            "Unknown model. Allowed: empty for the embedded one, a folder with a bundle, or owner/name"
            f"[@revision] on the Hub. Received: {name!r}."
        )
    return _from_hub(match["repository"], match["revision"] or "main")


def load_from_hub(model: str, *, endpoint: str | None = None) -> Bundle:
    """Load and verify the bundle for `owner/name[@revision]`, always from the Hub.

    The revision of its identity is the commit. Raises a `ModelError`.
    """
    match = _HUB_NAME.fullmatch(model)
    if match is None:
        raise ModelNotFound(
            f"Invalid Hub model name. Allowed: owner/name[@revision], as printed by publish. Received: {model!r}."
        )
    return _from_hub(match["repository"], match["revision"] or "main", endpoint=endpoint)


def _from_hub(repository: str, revision: str, *, endpoint: str | None = None) -> Bundle:
    folder, commit = hub_download.download_bundle(repository, revision, endpoint=endpoint)
    try:
        return bundle.load(folder, repository, revision=commit)
    except BundleCorrupt as error:
        raise BundleCorrupt(f"{error} To download it again, delete {folder}.") from None
