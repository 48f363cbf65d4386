"""One network of `compact`, 12 epochs, no border replacement: the starting point of the search on `order5` blocks.

    python train.py --data chest_xray --recipe small --split order5 --fold 4 --validate

2 minutes on one core. AUROC .993 on block 0, .986 on block 4 (with another seed .993 and .988).
"""

from dataclasses import replace

from .compact import RECIPE as COMPACT

RECIPE = replace(
    COMPACT, name="small", members=1, epochs=12, augmentation=replace(COMPACT.augmentation, foreign_border=0.0)
)
