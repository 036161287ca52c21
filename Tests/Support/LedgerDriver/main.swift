// Placeholder until the ledger is here.
