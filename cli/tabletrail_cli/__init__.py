"""The operator's command `tabletrail`: search, history, status, onboard, and the local stack."""
