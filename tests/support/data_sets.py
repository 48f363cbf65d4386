"""Small made data sets in the layout of the real ones: films of children, lung masks, films of adults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE = 160
ADULT_COLUMNS = "path,set,label,reading,patient,orientation_suspect"
READINGS = ("typical", "indeterminate", "atypical")


def made_film(seed: int, *, pneumonia: bool) -> npt.NDArray[np.uint8]:
    """A noisy film `[160, 160]`; pneumonia has a bright spot in the right lower zone."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    film = 120 + 60 * np.cos((columns - SIDE / 2) / 30) + np.random.default_rng(seed).normal(0, 8, rows.shape)
    film += 90 * np.exp(-((columns - 50) ** 2 + (rows - 105) ** 2) / 600) if pneumonia else 0
    return np.asarray(film.clip(0, 255), np.uint8)


def write_children(root: Path, train: int = 14, test: int = 4) -> Path:
    """`train` and `test` films of each class, each of another patient, in `root/chest_xray`."""
    patient = 0
    for split, count in (("train", train), ("val", 1), ("test", test)):
        for label in ("NORMAL", "PNEUMONIA"):
            folder = root / "chest_xray" / split / label
            folder.mkdir(parents=True)
            for _ in range(count):
                patient += 1
                is_ill = label == "PNEUMONIA"
                name = f"person{patient}_bacteria_{patient}.jpeg" if is_ill else f"IM-{patient:04d}-0001.jpeg"
                Image.fromarray(made_film(patient, pneumonia=is_ill)).save(folder / name)
    return root


def write_masks(root: Path) -> Path:
    """A mask for each second training film of `root/chest_xray`, in `root/lung_masks`."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[30:130, 20:70] = mask[30:130, 90:140] = 255
    rows = ["mask,film,match_z"]
    for film in sorted((root / "chest_xray" / "train").glob("*/*.jpeg"))[::2]:
        path = Path("train", film.parent.name, f"{film.stem}.png")
        (root / "lung_masks" / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(root / "lung_masks" / path)
        rows.append(f"{path.as_posix()},chest_xray/train/{film.parent.name}/{film.name},1.5")
    (root / "lung_masks" / "masks.csv").write_text("\n".join(rows), encoding="utf-8")
    return root


def write_adults(root: Path, siim: int = 20, healthy: int = 20) -> Path:
    """`siim` films of each class and `healthy` films of RSNA's readings in `root/adults`, each of another patient."""
    folder = root / "adults"
    folder.mkdir(parents=True)
    rows = [ADULT_COLUMNS]
    for number in range(2 * siim + healthy):
        source, is_ill = "siim" if number < 2 * siim else "rsna_normal", number < 2 * siim and number % 2 == 1
        label, reading = "PNEUMONIA" if is_ill else "NORMAL", READINGS[number % 3]
        reading = reading if is_ill else "negative_for_pneumonia" if source == "siim" else "normal"
        patient = f"siim:{number}" if source == "siim" else ""
        Image.fromarray(made_film(1000 + number, pneumonia=is_ill)).save(folder / f"{number}.png")
        rows.append(f"{number}.png,{source},{label},{reading},{patient},")
    (folder / "films.csv").write_text("\n".join(rows), encoding="utf-8")
    return root
