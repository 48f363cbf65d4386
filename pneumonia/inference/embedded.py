"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "bf8a5957fbc80317b23ac0947d258f69f63c71ccaeb9f0838ed18d9c27c32827",
}
