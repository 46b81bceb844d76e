xs.map(&block)
xs.map(&:size)
