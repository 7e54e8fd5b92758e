"""The laptop stack: a real OpenSearch and a local AWS, kept in one directory, reachable from this machine only."""
