"""A whole training run: config, fit, folder, scores."""
