"""How it is worked out: frame and rule in, frame out; no input or output, clock or chance."""
