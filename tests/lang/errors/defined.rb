show 1 if defined?(x)
