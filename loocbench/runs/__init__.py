"""A pretraining run in its folder: trainer, settings, saved states, signals, failures."""
