"""Pictures of measured rows, runs and images."""
