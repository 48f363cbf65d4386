"""The model bundle: a folder with all files of a model, with the same layout in the repository, on disk and on the Hub.

`config.json` lists every other file with its size and sha256. No file is parsed before it is verified. The trust anchor
of the embedded bundle is a sha256 in the source code; that of a bundle from the Hub is its commit. A folder that a user
names has no anchor: its hashes detect damage, not manipulation.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import BundleCorrupt, ModelNotFound
from ..files import atomic_write
from ..imaging import INPUT_SIDE
from ..messages import message
from .cut_off_lungs import MEASURES
from .decision import CLASSES, DEFAULT_POINT, Calibration, ModelIdentity, OperatingPoint, supported_limit
from .gate import Gate, Limits
from .populations import CHILDREN, POPULATIONS, Population

FORMAT = 1
CONFIG = "config.json"
GRAPH = "model.tflite"
GATE = "gate.npz"
EVALUATION = "evaluation.json"
CARD = "README.md"
KERAS = "model.keras"
EXAMPLES = "examples"

REQUIRED_FILES = (GRAPH, GATE, EVALUATION)
TRAINING_ONLY_FILES = (KERAS,)
"""Files for fine-tuning. Inference does not need them, so a folder or a download may lack them."""

_VALID_NAME = re.compile(r"(?:[\w-][\w.-]*/)?[\w-][\w.-]*")


@dataclass(frozen=True)
class Bundle:
    """A verified and parsed bundle: `graph` is the content of `model.tflite`, `evaluation` of `evaluation.json`."""

    folder: Path
    identity: ModelIdentity
    config: Mapping[str, Any]
    graph: bytes
    gate: Gate
    calibration: Calibration
    operating_points: dict[str, OperatingPoint]
    evaluation: Mapping[str, Any]
    lung_edge_limits: Mapping[str, Limits] = field(default_factory=dict)
    """Limits of the lung field at the edges of a film, see `cut_off_lungs`; empty if the config has none."""
    site_answers: Mapping[str, Any] | None = None
    """Answers to the site's films at each operating point of its overlay, see `site_overlay`; None without one."""

    @property
    def population(self) -> Population:
        """The population of the training films; bundles without the key `population` are of children."""
        return POPULATIONS[self.config.get("population", CHILDREN.name)]

    @property
    def calibration_of_config(self) -> Calibration:
        """The calibration without a site's overlay, see `site_overlay`."""
        return _calibration(self.config)

    @property
    def points_of_config(self) -> dict[str, OperatingPoint]:
        """The operating points without a site's overlay."""
        return _operating_points(self.config)

    @property
    def served_run(self) -> Mapping[str, Any] | None:
        """The entry of the served recipe and protocol in `evaluation.json`; None if it has none."""
        runs: Mapping[str, Mapping[str, Any]] = self.evaluation["runs"]
        return runs.get(f"{self.config['recipe']}/{self.config['protocol']}")

    @property
    def examples(self) -> list[Path]:
        """The example images of the bundle, sorted by file name."""
        return sorted(self.folder / name for name in self.config["files"] if name.startswith(f"{EXAMPLES}/"))


def load(
    folder: Path,
    name: str,
    *,
    revision: str | None = None,
    config_sha256: str | None = None,
    require_all_files: bool = False,
) -> Bundle:
    """Verify and parse the bundle in `folder`.

    `name` and `revision` become the model's identity; the revision defaults to that in the config. `config_sha256` is
    the trust anchor if there is one. With `require_all_files`, the files that only training needs must be present too.
    Raises `ModelNotFound` if the folder has no `config.json`, and `BundleCorrupt` if a file is missing, damaged, or of
    another format.
    """
    config, digest = read_config(folder, config_sha256)
    entries = {
        file: entry for file, entry in config["files"].items() if require_all_files or file not in TRAINING_ONLY_FILES
    }
    files = {file: _read_verified(folder, file, entry) for file, entry in entries.items()}
    try:
        identity = ModelIdentity(name, revision or str(config["revision"]), digest)
        return _parse(folder, identity, config, files)
    except Exception as error:
        # Files with correct hashes can still have any content, and numpy, zipfile and json raise many exception types.
        raise BundleCorrupt(
            message(
                "The model bundle {name} is complete, but its content is invalid ({error!r}).", name=name, error=error
            )
        ) from None


def read_config(folder: Path, sha256: str | None = None) -> tuple[dict[str, Any], str]:
    """Read and check `config.json`; returns (config, its sha256). No other file is read.

    `sha256` is the trust anchor if there is one. Raises `ModelNotFound` and `BundleCorrupt`.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise ModelNotFound(
            message(
                "No model bundle. Expected: a folder with {config}. Received: {folder}.", config=CONFIG, folder=folder
            )
        )
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if sha256 is not None and digest != sha256:
        raise BundleCorrupt(
            message(
                "{config} does not match its sha256. Expected: {sha256}. Received: {digest}.",
                config=CONFIG,
                sha256=sha256[:12],
                digest=digest[:12],
            )
        )
    try:
        config = json.loads(data)
        _check_config(config)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleCorrupt(message("{config} cannot be used: {error}.", config=CONFIG, error=error)) from None
    return config, digest


def write_config(folder: Path, config: Mapping[str, Any]) -> str:
    """Write `config.json` with the size and sha256 of the bundle's other files; returns the sha256 of `config.json`.

    Other files in the folder (checkpoints, plots) are not listed: they do not belong to the bundle.
    """
    # Sorted, because the order of a folder depends on its file system, and the sha256 of `config.json` on the order.
    examples = sorted(folder.glob(f"{EXAMPLES}/*.png"), key=lambda path: path.name)
    members = [*(folder / name for name in (GRAPH, GATE, EVALUATION, CARD, KERAS)), *examples]
    files = {
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": _sha256(path.read_bytes())}
        for path in members
        if path.is_file()
    }
    text = json.dumps({**config, "format": FORMAT, "files": files}, indent=1) + "\n"
    atomic_write(folder / CONFIG, text.encode())
    return _sha256(text.encode())


def _check_config(config: Any) -> None:
    if config["format"] != FORMAT:
        raise ValueError(f"this version reads format {FORMAT}, not {config['format']}")
    if tuple(config["classes"]) != CLASSES:
        raise ValueError(f"the class order must be {CLASSES}, not {config['classes']}")
    if config["input"]["shape"] != [INPUT_SIDE, INPUT_SIDE, 3]:
        raise ValueError(f"the input must be [{INPUT_SIDE}, {INPUT_SIDE}, 3], not {config['input']['shape']}")
    population = config.get("population", CHILDREN.name)
    if population not in POPULATIONS:
        raise ValueError(f"the population must be one of {', '.join(POPULATIONS)}, not {population!r}")
    missing = [name for name in REQUIRED_FILES if name not in config["files"]]
    if missing:
        raise ValueError(f"it does not list {', '.join(missing)}")
    for name, entry in config["files"].items():
        if not _VALID_NAME.fullmatch(name) or not isinstance(entry["size"], int) or len(entry["sha256"]) != 64:
            raise ValueError("it lists a file with an invalid name, size or sha256")


def _read_verified(folder: Path, name: str, entry: Mapping[str, Any]) -> bytes:
    path = folder / name
    if not path.is_file():
        raise BundleCorrupt(
            message("The model bundle lacks {name}. Expected: {expected:,} bytes.", name=name, expected=entry["size"])
        )
    if path.stat().st_size != entry["size"]:
        # Also detects an LFS pointer in place of a file before a parser reads it.
        size = path.stat().st_size
        raise BundleCorrupt(
            message(
                "{name} has the wrong size. Expected: {expected:,} bytes. Received: {size:,}.",
                name=name,
                expected=entry["size"],
                size=size,
            )
        )
    data = path.read_bytes()
    digest = _sha256(data)
    if digest != entry["sha256"]:
        raise BundleCorrupt(
            message(
                "{name} is damaged. Expected sha256: {expected}. Received: {digest}.",
                name=name,
                expected=entry["sha256"][:12],
                digest=digest[:12],
            )
        )
    return data


def _parse(folder: Path, identity: ModelIdentity, config: Mapping[str, Any], files: Mapping[str, bytes]) -> Bundle:
    points = _operating_points(config)
    if DEFAULT_POINT not in points:
        raise ValueError(f"it lacks the operating point {DEFAULT_POINT}")
    limits = {
        view: {measure: Limits(**limit) for measure, limit in measures.items()}
        for view, measures in config["gate"].items()
    }
    return Bundle(
        folder=folder,
        identity=identity,
        config=config,
        graph=files[GRAPH],
        gate=Gate.from_bytes(files[GATE], limits),
        calibration=_calibration(config),
        operating_points=points,
        evaluation=json.loads(files[EVALUATION]),
        lung_edge_limits=_lung_edge_limits(config),
    )


def _lung_edge_limits(config: Mapping[str, Any]) -> dict[str, Limits]:
    limits = {name: Limits(**limit) for name, limit in config.get("lung_edges", {}).items()}
    if limits and set(limits) != set(MEASURES):
        raise ValueError(f"the limits of the lung field must be of {', '.join(MEASURES)}")
    return limits


def _operating_points(config: Mapping[str, Any]) -> dict[str, OperatingPoint]:
    return {name: OperatingPoint(**point) for name, point in config["operating_points"].items()}


def _calibration(config: Mapping[str, Any]) -> Calibration:
    """The calibration; a config without its limit has that of the number of validation films."""
    values = dict(config["calibration"])
    limit = values.pop("limit", None)
    calibration = Calibration(**values)
    if limit is None and "films" in config.get("validation", {}):
        films, prevalence = config["validation"]["films"], calibration.prevalence
        limit = supported_limit(films * (1 - prevalence), films * prevalence)
    return calibration if limit is None else replace(calibration, limit=(float(limit[0]), float(limit[1])))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
