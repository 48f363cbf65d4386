"""Hostile files made in code, and what must hold for each: an answer or one of our errors, in bounded memory and time.

`python -m tests.hostile` feeds them to the predictor; `python -m tests.hostile.fuzz` looks for more.
"""
