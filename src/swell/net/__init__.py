"""The clients: bytes on the wire, and the stamps that say when."""
