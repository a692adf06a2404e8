"""Which review comes next, and why: strategies over plain arrays."""
