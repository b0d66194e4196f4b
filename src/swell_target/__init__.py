"""The reference platform: five real services to test against. It imports nothing from swell."""
