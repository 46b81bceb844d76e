BEGIN { show 1 }
END { show 2 }
