runbook "r" do
  step "one" do
    show "1" == 1
    show 2.minutes == 120
    show [] == 0
    show now != "x"
    show nil == 3
    case 5
    when "x" then note "a"
    end
  end
end
