"""How good labels are: scores, intervals and what they are compared with, over plain arrays."""
