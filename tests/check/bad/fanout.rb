binding :post, "Letters" do
  action :list, effect: :read, each: :to do
    takes :to, :array
  end
  action :lend, effect: :write, each: :to, lease: 15.minutes do
    takes :to, :array
  end
  action :none, effect: :write, each: :two do
    takes :to, :array
  end
  action :text, effect: :write, each: :to do
    takes :to, :string
  end
  action :maybe, effect: :write, each: :to do
    takes :to, :array, optional: true
  end
  action :fast, effect: :write, each: :to, rate: :speed, at_once: 0 do
    takes :to, :array
    takes :speed, :float
  end
  action :alone, effect: :write, rate: :speed, at_once: 4 do
    takes :speed, :integer
  end
  action :gives, effect: :write, each: :to do
    takes :to, :array
    gives :sent, :string
    gives :refuse, :array
  end
  action :plain, effect: :write, each: :to do
    takes :to, [:phone]
    gives :integer
  end
  action :lone, effect: :write, first: :sweep do
    takes :to, :array
  end
  action :often, effect: :write, each: :to, first: :sweep, every: 0.seconds do
    takes :to, :array
  end
  action :again, effect: :write, each: :to, every: 1.minute do
    takes :to, :array
  end
  action :wild, effect: :write, each: :to, first: :swep do
    takes :to, :array
  end
  action :risky, effect: :write, each: :to, first: :alone do
    takes :to, :array
  end
  action :needy, effect: :write, each: :to, first: :named do
    takes :to, :array
  end
  action :sweep, effect: :write, repeat: :safe do
    takes :since, :time, optional: true
  end
  action :named, effect: :write, repeat: :safe do
    takes :since, :time
  end
end
driver :none, for: :post do
  perform(:list) { |to| nil }
  perform(:lend) { |to| nil }
  renew(:lend) { |to| nil }
  perform(:none) { |to| nil }
  perform(:text) { |to| nil }
  perform(:maybe) { |to| nil }
  perform(:fast) { |to, speed| nil }
  perform(:lone) { |to| nil }
  perform(:often) { |to| nil }
  perform(:again) { |to| nil }
  perform(:wild) { |to| nil }
  perform(:risky) { |to| nil }
  perform(:needy) { |to| nil }
  perform(:sweep) { |since| nil }
  perform(:named) { |since| nil }
  perform(:alone) { |speed| call.batch }
  perform(:gives) { |to| nil }
  perform :plain do |to|
    expect to.upcase.frist == call.number
    { id: call.batch.size }
  end
end
