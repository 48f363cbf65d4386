"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "6717ea6925e4c6e3505148b348c0ec4022876fb125a3b83068d2e2656dbbc8ae",
    "adults": "c84561f28de0aca75b19dd5856577179ee862bca02e2b949c73921097aecb568",
}
