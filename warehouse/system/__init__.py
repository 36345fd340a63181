"""What every command needs: paths, words, files that are replaced whole, locks, progress."""
