case x
when 1 note "a"
end
