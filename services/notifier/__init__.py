"""Knows who was told: the alert settings of every location, incidents, and deliveries.

It takes in events, decides in the same transaction who must know, and delivers
by e-mail and signed webhook, at least once and with an id that stays the same.
"""
