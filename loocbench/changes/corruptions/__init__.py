"""The corruptions of ImageNet-C, computed when needed, for any data set."""
