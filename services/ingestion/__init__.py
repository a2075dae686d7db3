"""Knows what happened: every execution, and how often each workflow fails.

Owns the execution log, the runs that began and did not end, the workflows, the
deliveries that could not be read, and a copy of the thresholds. Answers with
lists, numbers and histories, and shows what arrives; tells the notifier when a
workflow fails too often and when it recovers. Read on: the contract, `servicer`, `actions`, `domain`.
"""
