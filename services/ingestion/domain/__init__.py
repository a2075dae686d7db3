"""Values and rules: runs, failures, trends, thresholds. No wire, no disk."""
