"""What is measured on features: one small module a task kind."""
