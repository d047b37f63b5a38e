"""Other people's checkpoints: read safely, recognised, matched tensor by tensor, made into our own."""
