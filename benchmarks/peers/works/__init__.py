"""The works of each peer. `python -m benchmarks.peers.works.PEER WORK` starts a worker in the peer's environment."""
