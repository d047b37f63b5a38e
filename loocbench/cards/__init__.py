"""The cards: one TOML file per task or suite, validated on reading. They hold data, never code."""
