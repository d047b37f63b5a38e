"""What leaves the house: networks in other layouts, and the page that goes with a checkpoint."""
