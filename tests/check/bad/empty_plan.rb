runbook "r" do
  title "x"
end
