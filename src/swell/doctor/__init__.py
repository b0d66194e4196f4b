"""``swell doctor``: is this machine fit to generate load, and are swell's numbers true on it?"""
