"""Fine-tuning and prediction: the only package that imports torch. It works on plain lists."""
