"""When to look and what is wrong: pure rules, without wire, disk or clock."""
