"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "150c34bedb1b2629c188b4d5603b9bd500f890e6f56c56ce98047052c5ca33f7",
}
