"""Exports: SavedModel, CTranslate2, and Hugging Face's Marian."""
