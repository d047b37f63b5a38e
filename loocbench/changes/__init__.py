"""Changes of test images of a stated strength, such as a hue shift of 30 degrees or an ImageNet-C corruption."""
