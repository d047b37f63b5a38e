"""Importing checkpoints of other libraries and training scripts.

In the order in which :func:`inspecting.inspect_file` uses them:

    file_type, size_checks, pickle_ops, pickle_allowlist    which kind of file it is, and whether it is safe to read
    weight_file          file -> tensors by name
    shards               several files with an index
    pickle_values, distributed_index, distributed           folders of torch.distributed.checkpoint
    reading              which of these a path is
    wrappers, families, key_maps    which of them are the backbone, by the names of a training script (or a user's map)
    tensor_names         the backbone's tensors renamed as torchvision or timm calls them
    recognising          the architecture, from names and shapes; vits, clip_towers, torchvision_models know its kinds
    transformers_config  what transformers' files beside the weights state of network and images
    preprocessing        what the network expects of its images
    tensor_routing, timm_names, matching    every tensor to its place in the network, strictly
    map_hints            the line of a key map that would help with what is refused
    inspecting           all of it together: what the file holds, and where every tensor went
    importing            the result as a checkpoint of loocbench's own, or what the user must decide

To add the layout of another training script, add one entry to ``families.FAMILIES``, and rules to ``tensor_names`` if
it also renames the tensors within the backbone.
"""
