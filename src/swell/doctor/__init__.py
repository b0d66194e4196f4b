"""``swell doctor``: whether this machine is fit to generate load, and swell's figures are true on it."""
