"""Networks as data: their rules, names and numbers. Executes nothing; chain and the transports read from here."""
