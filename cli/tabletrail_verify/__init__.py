"""The checker behind `tabletrail verify`, written from docs/format.md alone: it imports nothing of the writing path."""
