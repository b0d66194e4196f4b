"""Which services there are, and the ports where their teams' scripts look for them."""

# In the order in which --port-base numbers them.
PORTS = {
    "cooly": 5001,
}
