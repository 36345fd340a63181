"""Why a build is red, and which records are wrong."""
