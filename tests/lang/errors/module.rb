module Ops
  show 1
end
