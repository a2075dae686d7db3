"""What the scheduler does, whoever asks: a caller, a tick, or a scan that goes on."""
