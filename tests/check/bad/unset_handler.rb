runbook "r" do
  step "one" do
    a = 1
    show a
  end
  on_failure do |failure|
    note "#{failure.mesage} #{a}"
  end
end
