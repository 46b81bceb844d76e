# A batch over HTTP, for bench/run.sh: LIST recipients, at a server that honours keys.
runbook "batch" do
  use "batch_binding"
  input :count, :integer
  input :url, :string

  step "Send" do
    batch = letters.send(to: (1..input.count).to_a.map { |i| "+1555#{i.to_s.rjust(7, "0")}" }, url: input.url)
    expect batch.sent == input.count
    irreversible "sent is sent"
  end
end
