"""Exports: SavedModel, CTranslate2, and Hugging Face's Marian.

`graph_tokenizer/` converts text to ids and back inside a SavedModel.
"""
