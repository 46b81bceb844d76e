# While a name is frozen, runbooks that ask leave it alone.
#
# A name is small letters, digits, `.`, `_` and `-`. The embedded driver keeps one small file a name beside the journal,
# so a freeze holds for all runs of that journal. The run that took it renews it as long as it goes on; it ends
# by itself when that run dies ([leases](engine.md#leases)). One that somebody else lifted is not brought back: the run
# that held it fails before its next write, with the kind `lease_expired`.
#
# ```ruby plan run
#   use "freeze"
#   step "Freeze deploys" do
#     freeze.begin(name: "docs-deploys", reason: "migration")
#     rollback { freeze.lift name: "docs-deploys" }
#   end
#   step "Deploy" do
#     guard "deploys are not frozen", !freeze.active?(name: "docs-deploys"), otherwise: :skip
#     note "deployed"
#   end
#   step "Thaw" do
#     freeze.lift(name: "docs-deploys")
#     irreversible "whoever comes next may go on"
#   end
# ```
# ```output
# Example
# run ...
#
# [1/3] Freeze deploys
#       freeze.begin: done, ...
#       ok...
# [2/3] Deploy ............................................... skipped
#       guard: not so: deploys are not frozen
# [3/3] Thaw
#       freeze.lift: done, ...
#       ok...
#
# succeeded after ...
# look: stepwise show ...
# ```

binding :freeze, "Freezes that end by themselves" do
  action :begin, effect: :write, repeat: :safe, lease: 15.minutes, about: "Freeze a name; renewed while the run goes on" do
    takes :name,   :string, match: /\A[a-z0-9][a-z0-9._-]*\z/, form: "a name of small letters, digits, dots, dashes and underscores", max: 100
    takes :reason, :string
  end

  action :lift, effect: :write, repeat: :safe, ends: :begin, about: "End a freeze at once" do
    takes :name, :string, match: /\A[a-z0-9][a-z0-9._-]*\z/, form: "a name of small letters, digits, dots, dashes and underscores", max: 100
  end

  action :active?, effect: :read, about: "Whether the name is frozen now" do
    takes :name, :string, match: /\A[a-z0-9][a-z0-9._-]*\z/, form: "a name of small letters, digits, dots, dashes and underscores", max: 100
    gives :boolean
  end
end

driver :embedded, for: :freeze, default: true, about: "One file a name beside the journal" do
  # The file: when it ends, whose it is, why.
  perform :begin do |name, reason|
    held = file.exists(path: "freeze-#{name}", state: true) ? file.read(path: "freeze-#{name}", state: true).split : []
    other = held.size > 1 && held[0].to_f > now.to_f && held[1] != call.key
    fail! :conflict, "#{name} is frozen already: #{held.drop(2).join(" ")}" if other
    file.write(path: "freeze-#{name}", text: "#{call.lease_until.to_f} #{call.key} #{reason}\n", state: true)
    nil
  end

  # Somebody who lifted the freeze meant it: it is not brought back.
  renew :begin do |name, reason|
    held = file.exists(path: "freeze-#{name}", state: true) ? file.read(path: "freeze-#{name}", state: true).split : []
    fail! :provider, "the freeze of #{name} was lifted" if held[1] != call.key
    file.write(path: "freeze-#{name}", text: "#{call.lease_until.to_f} #{call.key} #{reason}\n", state: true)
    nil
  end

  perform :lift do |name|
    file.remove(path: "freeze-#{name}", state: true)
    nil
  end

  perform :active? do |name|
    held = file.exists(path: "freeze-#{name}", state: true)
    held && file.read(path: "freeze-#{name}", state: true).to_f > now.to_f
  end
end

# In a drill the files are the drill's own.
driver :simulated, for: :freeze, same_as: :embedded, about: "The same, in the drill's own directory"
