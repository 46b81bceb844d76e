runbook "r" do
  use "lib/sms"
  step "get" do
    list = sms.list
  end
  each_of list, as: :ide do |m|
    step "one #{m.id}" do
      show m.tagz
      show m.tags.first.upcas
    end
  end
end
