list << 3
text <<= "a"
