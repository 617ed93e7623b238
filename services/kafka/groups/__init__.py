"""Groups and their coordinator: classic groups, KIP-848 consumer groups, share groups, and what they have committed."""
