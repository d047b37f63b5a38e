"""The work behind the commands, callable from Python: pretrain a model, evaluate a checkpoint, run a suite."""
