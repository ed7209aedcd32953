"""`chairtime demo`: one clinic's busy minute, played through the HTTP API and told as a story."""
