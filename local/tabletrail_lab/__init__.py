"""The stream laboratory: a server of our own that speaks the DynamoDB Streams API and does on command what the service
does in its own time. It knows nothing of tabletrail, and tabletrail nothing of it."""
