"""What a command does, without the command line: pretrain a model, measure a checkpoint on a task, run a suite."""
