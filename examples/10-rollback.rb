# A step that writes says how it is undone. When a later step fails, what was done is undone, last
# first. The binding and its driver stand in this file, so that nothing real is touched.
# run: exit=6
runbook "rollback" do
  title "Fail, and undo"
  on_failure :rollback

  step "Drain the node" do
    state = pool.drain(node: "web-3")
    note "draining: #{state.draining}"
    rollback { pool.restore node: "web-3" }
  end

  step "Restart it" do
    pool.restart(node: "web-3")
    irreversible "a restart cannot be taken back"
  end
end

binding :pool, "A pool of nodes" do
  action :drain, effect: :write, repeat: :safe, about: "Take a node out" do
    takes :node, :string
    gives :draining, :boolean
  end
  action :restore, effect: :write, repeat: :safe, about: "Put a node back" do
    takes :node, :string
    gives :boolean
  end
  action :restart, effect: :write, about: "Restart a node" do
    takes :node, :string
    gives :boolean
  end
end

driver :rehearsal, for: :pool, default: true do
  perform(:drain) { |node| { draining: node.start_with?("web-") } }
  perform(:restore) { |node| node.size > 0 }
  perform(:restart) { |node| fail! :provider, "#{node} does not come up" }
end
driver :simulated, for: :pool, same_as: :rehearsal
