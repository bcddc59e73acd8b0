"""Wrappers of gymnasium's CarRacing-v3: the reference implementation of GameOptions and ShapingRules.

`native/` does in C++ what these wrappers do in Python; tests compare both, frame by frame and bit for bit.
"""
