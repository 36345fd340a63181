"""JSON to seeds: the declaration, the types, and what is wrong with a record."""
