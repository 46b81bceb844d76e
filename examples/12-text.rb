# Message bodies: heredocs, interpolation, format, regexps.
# run: --set phone=+15005550006
runbook "text" do
  title "Write a message"

  input :phone, :phone, about: "who gets it"

  step "Write it" do
    name, sum = ["Ana", 12.5]
    body = <<~TEXT
      Dear #{name},
        you owe us #{"%.2f" % sum} dollars.
      Reply STOP to end.
    TEXT
    expect body.size <= 160, "#{body.size} characters are more than one message"
    expect body =~ /\bSTOP\b/, "every message says how to end them"
    hidden = input.phone.gsub(/\d(?=\d{4})/, "*")
    note "to #{hidden}: #{body.lines.size} lines, #{body.size} characters"
  end
end
