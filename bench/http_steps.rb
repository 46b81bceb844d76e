# A step for each of COUNT numbers that posts it, 64 at a time, for bench/http.sh.
runbook "http-steps" do
  use "web"
  input :count, :integer
  input :url, :string
  numbers = (1..input.count).to_a

  each_of numbers, at_once: 64 do |number|
    step "Post", id: "post" do
      web.post(url: input.url, json: { to: "#{number}" })
      irreversible "sent is sent"
    end
  end
end
