"""Build on Spark, and read what was built there."""
