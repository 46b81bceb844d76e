runbook "r" do
  step "one" do
    show Time.now
    show JSON.parse("1")
    show Foo
    show File.read("x")
    show ENV["HOME"]
  end
end
