"""The labelling loop without a screen: which review is up, what is decided about it, what comes next."""
