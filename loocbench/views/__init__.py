"""How an image becomes views: parameters are drawn first, then applied by pure batched operations."""
