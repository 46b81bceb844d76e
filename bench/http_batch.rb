# A batch of COUNT posts, 64 at a time, for bench/http.sh.
runbook "http-batch" do
  use "http_binding"
  input :count, :integer
  input :url, :string

  step "Post" do
    batch = posts.send(to: (1..input.count).to_a.map { |i| "#{i}" }, url: input.url)
    expect batch.sent == input.count
    irreversible "sent is sent"
  end
end
