"""Tests of local validation."""
