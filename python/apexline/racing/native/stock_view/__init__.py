"""A native game under the attribute names of the stock game, read-only: its types and, bit for bit, its values.

Nothing here takes part in a step: each attribute reads the game when it is read.
"""

from __future__ import annotations

from apexline.racing.native.stock_view.game import GameView, StockAttributes
from apexline.racing.native.stock_view.stock_game import StockGame, StockGames

__all__ = ["GameView", "StockAttributes", "StockGame", "StockGames"]
