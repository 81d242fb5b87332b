"""What the network is and does, and with whom."""
