"""What the notifier does, whoever asks."""
