"""What the services share; layers import downwards only."""
