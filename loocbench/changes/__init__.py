"""Changes of a test image by a stated amount: what a representation may notice or ignore."""
