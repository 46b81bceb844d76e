=begin
a comment
=end
show 1
