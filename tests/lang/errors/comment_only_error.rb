x = # nothing

