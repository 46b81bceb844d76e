runbook "r" do
  use "lib/sms"
  input :size, :symbol, one_of: [:small, :large], default: :medium
  input :n, :integer, one_of: [1, 2], default: 3
  step "one" do
    s = sms.status("x").state
    show s == :deliverd
    show :snt == s
    show s == "sent"
    case s
    when :queued, :sent then note "a"
    when :faild then note "b"
    end
    x = sms.send(to: "+1", body: "x", kind: :flsh)
    verify { x.state == :gone }
    irreversible "sent"
  end
  step "two" do
    show input.size == :lrge
    show input.n
  end
end
