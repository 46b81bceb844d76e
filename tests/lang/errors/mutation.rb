list.sort!
name.gsub!(/a/, "b")
items.map! { |x| x }
fail! :stop, "x" if y
skip! "z"
