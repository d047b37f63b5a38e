"""Exports of checkpoints: weights under other libraries' names, ONNX, and the hub's model card."""
