xs.map { |a, *b| a }
xs.map { |a = 1| a }
xs.map { |a; b| a }
xs.map { || 1 }
xs.map { |k:| k }
