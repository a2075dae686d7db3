"""The notifier's values and rules: no wire, no disk, no clock of its own."""
