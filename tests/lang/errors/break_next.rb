xs.each do |x|
  next if x.nil?
  break unless x
end
