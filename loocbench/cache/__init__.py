"""Everything on disk that can be made again: layout, descriptions, memory-mapped files, locks, pruning."""
