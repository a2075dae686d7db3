"""The pipes every service shares, sorted by subject."""
