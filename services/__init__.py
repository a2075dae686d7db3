"""Three houses with the same rooms, and the street that runs them in one process."""
