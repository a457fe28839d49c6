"""Pictures: PNG, JPEG, TIFF and the IDX files of the MNIST family."""
