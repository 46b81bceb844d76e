xs.map { _1 + 1 }
