"""Functions for all packages: files, locks, processes, private names of Keras."""
