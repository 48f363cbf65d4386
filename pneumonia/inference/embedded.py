"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "6717ea6925e4c6e3505148b348c0ec4022876fb125a3b83068d2e2656dbbc8ae",
    "adults": "458a4da6fb5b09d2b5af2b5a5a1cb0ebd7152080d71df8d637856c7c6a212905",
}
