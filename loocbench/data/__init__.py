"""Which images there are: readers, splits, decoding, the decode-once store."""
