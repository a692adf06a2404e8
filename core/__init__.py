"""Everything of labelloop but the screens."""
