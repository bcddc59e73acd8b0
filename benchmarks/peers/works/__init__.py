"""What each peer is timed at; `python -m works.PEER WORK` starts a worker in that peer's environment."""
