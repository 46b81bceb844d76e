attr_accessor :a
private
