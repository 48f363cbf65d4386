"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "be3b95308a507c6da27ae8b9dcdc6c8c07a12bb2d8041d5f42694d3f0bbb888c",
    "adults": "e61b3b2d7821e534ab4d172278a209b290b92728ebc7fa6f8dabd238b02da7c7",
}
