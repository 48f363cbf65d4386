"""`small` with about twice the zoom and change of aspect ratio. Rejected: worse in all metrics.

    python train.py --data chest_xray --recipe small_geometry --split order5 --fold 4 --validate

2 minutes on one core. AUROC .984 on block 0, .973 on block 4.
"""

from dataclasses import replace

from .small import RECIPE as SMALL

RECIPE = replace(
    SMALL,
    name="small_geometry",
    augmentation=replace(SMALL.augmentation, zoom_in=0.35, zoom_out=0.15, aspect_log=0.7, shift=0.1),
)
