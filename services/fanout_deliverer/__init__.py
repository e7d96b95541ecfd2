"""Send: plan one delivery per server, sign, POST, keep trouble per host."""
