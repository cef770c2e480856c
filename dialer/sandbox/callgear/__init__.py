"""CallGear's Call API v4.0, as its document has it: JSON-RPC 2.0 over one URL."""
