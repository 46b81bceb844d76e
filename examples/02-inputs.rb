# Inputs are typed and checked before the first step. A wrong one stops the run before it begins.
# run: --set segment=lapsed --set rate=50 --set mode=real
runbook "inputs" do
  title "Show what inputs can say"

  input :segment, :string,   about: "segment to send to", match: /\A[a-z-]+\z/
  input :rate,    :integer,  about: "messages per second", default: 20, min: 1, max: 200
  input :mode,    :symbol,   about: "rehearse or do it", default: :dry, one_of: [:dry, :real]
  input :pause,   :duration, about: "time between batches", default: 30.seconds, max: 1.hour
  input :owners,  :array,    about: "who hears of it", default: %w[ana sam]

  step "Say what was given" do
    note "#{input.mode}: #{input.segment} at #{input.rate}/s, every #{input.pause.to_i} s"
    note "owners: #{input.owners.join(", ")}"
  end
end
