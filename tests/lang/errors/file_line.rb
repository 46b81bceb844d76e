show __FILE__
show __LINE__
show __dir__
show __method__
