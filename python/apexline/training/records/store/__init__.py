"""The parts of a checkpoint directory: plain files, the manifest of their digests, and the encoding of states."""
