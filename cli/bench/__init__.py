"""`chairtime bench`: how fast Chairtime is, at what size, and against what."""
