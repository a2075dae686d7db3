"""Knows what is wrong and when to look again.

Owns the scan schedules, the scans and what they found. Fires each schedule once,
however many processes run; scans on demand; tells the notifier what is new.
Read on: the contract, `servicer`, `actions`, `domain`.
"""
