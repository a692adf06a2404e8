"""The quick learner at work on a project: what it sees, its features, its suggestions and the queue it plans."""
