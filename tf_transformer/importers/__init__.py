"""Models of other programs: Marian's files and Hugging Face's Marian folders."""
