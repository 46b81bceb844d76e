runbook "ruby-reads" do
  title "What Ruby would read in another way"
  step "one" do
    note = 1
    note :x
    show [[note, [2, 3]]].map { |b, (b, c)| b + c }
    show [[1, 2]].map { |(a, b)| [3].map { |c| a + b + c } }
  end
end
