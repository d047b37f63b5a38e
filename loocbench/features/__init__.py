"""The encoder, and features of whole splits: batched inference, extraction, cache keys."""
