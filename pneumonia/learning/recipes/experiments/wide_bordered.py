"""`wide` with border replacement in three films of ten.

    python train.py --data chest_xray --recipe wide_bordered --split order5 --fold 4 --validate

4 minutes on one core. AUROC .993 on block 0, .985 on block 4, .961 for the worst pair of perturbations over both.
"""

from dataclasses import replace

from .wide import RECIPE as WIDE

RECIPE = replace(WIDE, name="wide_bordered", augmentation=replace(WIDE.augmentation, foreign_border=0.3))
