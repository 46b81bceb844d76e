runbook "r" do
  input :a, :boolean, min: 1
  input :b, :duration, max: 3
  input :c, :integer, match: /x/
  input :d, :integer, one_of: ["a", 1]
  input :e, :integer, default: "x"
  input :f, :string, one_of: []
  input :g, :string, form: "a name"
  input :h, :string, match: /x/, form: 3
  step "one" do
    show [input.a, input.b, input.c, input.d, input.e, input.f, input.g, input.h]
  end
end
