"""Everything on disk that can be made again: memory-mapped files, locks, pruning."""
