"""Shared by all commands: paths, words, atomic files, locks, progress."""
