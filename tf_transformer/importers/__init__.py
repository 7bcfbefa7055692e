"""Import of models of Marian and of Hugging Face's Marian."""
