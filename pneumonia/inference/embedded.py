"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "5384c39d0c8d43611c9382bb57d380e3e87671a1885de4daa930706577df2f14",
}
