"""Errors of the native environments that gymnasium has no class for."""

from __future__ import annotations

from gymnasium.error import InvalidAction


class InvalidActionError(InvalidAction, ValueError):
    """An action has the wrong shape, dtype or value; nothing has changed."""
