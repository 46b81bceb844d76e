until done?
  note "x"
end
note "x" until y
