# Values whose types are known, half known and unknown: nothing here is a mistake.
runbook "values" do
  input :names, [:string], default: ["ana", "sam"]
  input :rows, :array, default: []
  input :data, :hash, default: {}
  input :at, :time, default: "2026-11-02T09:00:00Z"
  input :wait, :duration, default: 5.minutes
  input :size, :symbol, one_of: [:small, :large], default: :small

  step "Numbers and times" do
    half = 7 / 2 + 1.5
    later = input.at + input.wait * 2 - 30.seconds
    left = later - now
    parts = left / 1.minute
    show [half.round, half.floor(1), parts.to_i, left > 0.seconds, later < now, input.at.year]
    show 10.megabytes + 1.kilobyte, as: "bytes"
    show 2.percent * 100
  end

  step "Texts" do
    line = "%d of %s" % [1, "x"]
    word = line.split.first&.upcase || "none"
    show word + line * 2
    show [line =~ /of/, line !~ /x/, line.match?(/x/), line[0], line[1..], line.sub("of", "/")]
    show :small == "small", as: "same"
    show input.size.to_s + "!"
  end

  step "Lists" do
    lengths = input.names.map { |n| n.size }
    pairs = input.names.zip(lengths).map { |name, length| "#{name}:#{length}" }
    best = nil
    input.names.each { |n| best = n if best.nil? || n.size > best.size }
    total = lengths.sum
    total += 1 if total.zero?
    total ||= 3
    show [pairs.join(","), best, total, lengths.max, lengths.sort.first(2), lengths.reduce(0) { |a, b| a + b }]
    show input.rows.map { |r| r.anything.at_all + 1 }
    show input.rows.first&.name
    show input.names.each_with_index.map { |n, i| "#{i + 1}. #{n}" }
    show input.names.group_by { |n| n.size }.map { |size, list| [size, list.map { |n| n.upcase }] }
    show input.names.tally.select { |_, n| n > 1 }.keys
    (a, b), c = [[1, 2], 3]
    show [a, b, c]
    show((1..3).map { |n| n * 2 }) if input.names.any?
  end

  step "Hashes and conditions" do
    table = { "a" => 1, b: [2, 3] }
    show table["a"], as: "a"
    show input.data["x"] || input.data.fetch("y", 3)
    kind = case input.names.size
           when 0 then :none
           when 1, 2 then :few
           when 3.. then "many"
           else nil
           end
    label = if kind == :few then "few" else "other" end
    text = input.size == :large ? "large" : "small"
    case input.size
    when :small then grade = 1
    when :large then grade = 2
    end
    show [kind, label, text, grade, table.merge({ c: 3 }).transform_values { |v| v.to_s }]
    again = text.empty? ? nil : text
    again&.upcase
    expect !again.nil?, "text"
  end
end
