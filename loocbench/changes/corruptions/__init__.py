"""The corruptions of ImageNet-C, made on the fly for any data set."""
