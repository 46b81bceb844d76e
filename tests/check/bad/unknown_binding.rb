driver :x, for: :smss do
  perform :send do |to|
    1
  end
end
use "lib/sms"
