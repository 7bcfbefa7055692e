"""Small tools that every package may use."""
