"""What only a real browser can tell: looks, keyboard, paper, and journeys through a served site."""
