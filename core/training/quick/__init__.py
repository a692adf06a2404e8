"""The quick learner: a linear classifier over what the frozen base model makes of the reviews."""
