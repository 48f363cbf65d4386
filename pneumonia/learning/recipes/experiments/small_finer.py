"""`small` at 75 x 75 pixels. Rejected: no better at twice the computation.

    python train.py --data chest_xray --recipe small_finer --split order5 --fold 4 --validate

4 minutes on one core. AUROC .992 on block 0, .981 on block 4.
"""

from dataclasses import replace

from .small import RECIPE as SMALL

RECIPE = replace(SMALL, name="small_finer", pooling=2, head_pooling=4)
