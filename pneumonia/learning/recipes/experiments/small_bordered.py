"""`small` with border replacement in three films of ten.

    python train.py --data chest_xray --recipe small_bordered --split order5 --fold 4 --validate

2 minutes on one core. AUROC .992 on block 0, .984 on block 4.
"""

from dataclasses import replace

from .small import RECIPE as SMALL

RECIPE = replace(SMALL, name="small_bordered", augmentation=replace(SMALL.augmentation, foreign_border=0.3))
