"""Simulated scans of films that lie askew on the glass: no photographs, though their edges are tilted."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from .simulated_frames import Grey

MAX_ANGLE = 3.0
"""Maximum rotation of the film in degrees."""

LIDS = {"white": (232, 255), "grey": (90, 170), "black": (0, 40)}
"""Name -> range of the grey level of the scanner's lid or of the page around the film."""

_SIDE = 480
_MARGIN = (0.02, 0.10)
"""Width of the lid beside the film, as a share of the side of the scan."""

_NOISE = 2.0
"""Maximum standard deviation of the scanner's noise in grey levels."""


def askew_scan(film: Grey, lid: str, seed: int) -> bytes:
    """A scan of a film `[H, W]`, rotated by up to `MAX_ANGLE`, as a grey JPEG; `lid` is a key of `LIDS`."""
    random = np.random.default_rng(seed)
    level = int(random.integers(*LIDS[lid], endpoint=True))
    margins = [round(_SIDE * random.uniform(*_MARGIN)) for _ in range(4)]
    size = (_SIDE - margins[0] - margins[2], _SIDE - margins[1] - margins[3])
    scan = Image.new("L", (_SIDE, _SIDE), level)
    scan.paste(Image.fromarray(film).resize(size, Image.Resampling.BICUBIC), (margins[0], margins[1]))
    angle = random.uniform(-MAX_ANGLE, MAX_ANGLE)
    scan = scan.rotate(angle, Image.Resampling.BICUBIC, fillcolor=level)
    noise = random.normal(0, random.uniform(0, _NOISE), (_SIDE, _SIDE))
    buffer = io.BytesIO()
    noisy = np.clip(np.rint(np.asarray(scan) + noise), 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(buffer, "JPEG", quality=int(random.integers(75, 96)))
    return buffer.getvalue()
