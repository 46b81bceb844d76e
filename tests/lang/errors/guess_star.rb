a *b
show **h
