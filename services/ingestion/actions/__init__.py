"""What ingestion does, whoever asks: record, list, measure, compare with thresholds, tidy up."""
