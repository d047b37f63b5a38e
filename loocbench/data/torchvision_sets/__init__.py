"""The labelled data sets of torchvision, ``torchvision:NAME``, in its layouts on disk."""
