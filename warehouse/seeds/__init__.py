"""JSON to seeds: the declaration, the types, and the validation of records."""
