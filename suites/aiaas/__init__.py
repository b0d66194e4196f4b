"""AIaaS: API, WebSocket chat, mixed users."""
