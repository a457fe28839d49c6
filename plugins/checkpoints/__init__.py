"""Files of tensors: reading, writing and comparing trained weights."""
