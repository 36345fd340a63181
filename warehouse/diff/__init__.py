"""Compare two warehouses: what changed in the marts, and what of it breaks their readers."""
