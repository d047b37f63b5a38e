"""The cards: one TOML file a task or suite, validated on reading. They hold data, never code."""
