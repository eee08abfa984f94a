"""The same work in this package, in `keras.layers` and in PyTorch. Each module makes a case into a function to time."""
