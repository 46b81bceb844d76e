step "x" do
  begin
    sms.send(to: a)
  rescue Timeout => e
    note "failed"
  ensure
    note "done"
  end
end
