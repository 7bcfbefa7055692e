"""From a trained model to translations: of ids and of text."""
