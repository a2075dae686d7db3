"""GoHighLevel as the scheduler sees it: what it may read of a location, and what came of asking."""
