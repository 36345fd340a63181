"""Convert, build, test, publish and sum up."""
