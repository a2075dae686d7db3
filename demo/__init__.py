"""A small agency to try Runwarden on: three locations, forty workflows, 30 days of executions.

Everything in it is made up. It speaks to the running program over REST alone,
as any other client does.
"""
