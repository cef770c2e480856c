"""What pages, API and receipts share: state, authentication, headers, request bodies, the receipt writer."""
