"""Importing checkpoints of other libraries and training scripts.

In the order in which :func:`importing.inspect_file` uses them:

    file_type, size_checks, pickle_ops, pickle_allowlist    which kind of file it is, and whether it is safe to read
    reading              file -> tensors by name
    families, key_maps   which of them are the backbone, by the names that a training script gives (or a user's map)
    tensor_names         the backbone's tensors renamed as torchvision or timm calls them
    recognising          the architecture, from names and shapes; vits and torchvision_models know its kinds
    preprocessing        what the network expects of its images
    tensor_routing, timm_names, matching    every tensor to its place in the network, strictly
    importing            all of it together, and the result as a checkpoint of loocbench's own

To add the layout of another training script, add one entry to ``families.FAMILIES``, and rules to ``tensor_names`` if
it also renames the tensors within the backbone.
"""
