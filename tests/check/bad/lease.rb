binding :queue, "A queue" do
  action :pause, effect: :write, lease: 15.minutes do
    takes :name, :string
  end
  action :hold, effect: :write, lease: 0.minutes
  action :size, effect: :read, lease: 1.minute do
    gives :integer
  end
  action :resume, effect: :write, ends: :pause do
    takes :name, :string
  end
  action :free, effect: :write, ends: :size
  action :other, effect: :write, ends: :stop
end
driver :none, for: :queue do
  perform(:pause) { |name| nil }
  perform(:hold) { nil }
  perform(:size) { 1 }
  perform(:resume) { |name| nil }
  perform(:free) { nil }
  perform(:other) { nil }
end
driver :odd, for: :queue do
  perform :pause do |name|
    call.lease_until + 1.minute
    nil
  end
  renew(:pause) { |name| nil }
  renew(:pause) { |name| nil }
  perform(:hold) { nil }
  renew(:hold) { nil }
  perform(:size) { 1 }
  renew(:size) { 1 }
  perform :resume do |name|
    call.lease_until
    nil
  end
  perform(:free) { nil }
  perform(:other) { nil }
end
