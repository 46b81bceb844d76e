runbook "r" do
  input :a, :strng
  input :b, :frobnicate
  input :c, [:strng]
  input :d, 3
  step "one" do
    show [input.a, input.b, input.c, input.d]
    x = ask("q", :integr)
    show x
  end
end
