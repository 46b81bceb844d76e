# The smallest useful runbook: an input, and a step that notes something and expects something.
# run:
runbook "hello" do
  title "Say hello"

  input :name, :string, about: "whom to greet", default: "world"

  step "Greet" do
    greeting = "hello, #{input.name}"
    note greeting
    expect greeting.size > 7, "there is nobody to greet"
  end
end
