"""Translation with a trained model: `search` from ids to ids, `Translator` from text.

`search` calls the functions of `decoding/` with a model.
"""
