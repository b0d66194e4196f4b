"""Which services there are, and the ports where their teams' scripts look for them."""

# In the order in which --port-base numbers them.
PORTS = {
    "aspire": 3000,
    "aivo": 8080,
    "cooly": 5001,
    "aiaas": 8000,
    "wwmaa": 8001,
}
