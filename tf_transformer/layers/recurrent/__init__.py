"""Recurrent layers and their attention, for comparison with the Transformer."""
