"""The page that executives read."""
