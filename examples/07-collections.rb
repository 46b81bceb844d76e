# Lists of records: filter, group, sum up, show as a table.
# run:
runbook "collections" do
  title "Sum up a queue report"

  step "Read the report" do
    report = <<~TEXT
      mail,eu,120
      sms,eu,7
      mail,us,310
      sms,us,0
    TEXT
    rows = report.lines.map do |line|
      queue, region, waiting = line.chomp.split(",")
      { queue: queue, region: region, waiting: waiting.to_i }
    end
    show rows, as: "queues"
  end

  step "Sum it up" do
    by_queue = rows.group_by { |r| r[:queue] }
    totals = by_queue.transform_values { |list| list.sum { |r| r[:waiting] } }
    totals.each { |queue, waiting| note "#{queue}: #{waiting} waiting" }
    worst = rows.max_by { |r| r[:waiting] }
    note "worst: #{worst[:queue]} in #{worst[:region]}"
    idle = rows.select { |r| r[:waiting].zero? }
    expect idle.size <= 1, "#{idle.size} queues are idle"
  end
end
