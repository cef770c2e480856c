"""What became of requests and calls: rulings, receipts, polling, endings, corrections, time-outs."""
