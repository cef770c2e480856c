"""What the doors of the console share: state, authentication, headers, bodies, the receipt writer."""
