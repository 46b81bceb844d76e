if a then b else c end
if a
  b
elsif c
  d
else
  e
end
unless a
  b
else
  c
end
x if y
x unless y
x = 1 if y unless z
case x
when 1, 2 then a
when /b/
  c
else
  d
end
case
when a then b
end
x = if a then 1 else 2 end
x = case y when 1 then 2 end
show 1 if a && foo(b) do 1 end
if a
end
if a; b; end
if foo 1 then 2 end
!foo 1
if !foo 1 then 2 end
