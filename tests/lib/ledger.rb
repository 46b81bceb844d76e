# A binding whose driver keeps its own books: what was really done, whatever the journal says.
#
# In the directory `state` beside the journal, each perform adds a line "ITEM" to the file `tries` when
# it begins, and a line "KEY ITEM" to the file `ledger` when it has done its work. The file `control`,
# when there is one, says what is to go wrong, a line for each: "ITEM WHAT", or "ITEM WHAT N" for the
# first N tries of the item only:
#
#   hang          before the line in the ledger       hang-after    behind it
#   fail          before it, as :provider             fail-after    behind it
#   transient     before it, as :transient            transient-after
#   kill          kill -9 of stepwise before it       kill-after    behind it
#
# `remove` is for rollbacks: its item goes by "-ITEM" in all three files.
binding :ledger, "Books of what was done" do
  action :put, effect: :write, about: "Not to be repeated" do
    takes :item, :string
    gives :item, :string
    gives :key,  :string
  end
  action :put_safe, effect: :write, repeat: :safe, about: "Each time adds a line, which harms nobody" do
    takes :item, :string
    gives :item, :string
    gives :key,  :string
  end
  action :put_by_key, effect: :write, repeat: :by_key, about: "A key that is in the books is not added again" do
    takes :item, :string
    gives :item, :string
    gives :key,  :string
  end
  action :put_probed, effect: :write, about: "Not to be repeated, but the books can be asked" do
    takes :item, :string
    gives :item, :string
    gives :key,  :string
  end
  action :put_unknown, effect: :write, about: "Not to be repeated, and the books do not know" do
    takes :item, :string
    gives :item, :string
    gives :key,  :string
  end
  action :remove, effect: :write, repeat: :safe, about: "Adds a line that says the item is undone" do
    takes :item, :string
    gives :item, :string
    gives :key,  :string
  end
  action :count, effect: :read, about: "Lines of this item" do
    takes :item, :string
    gives :integer
  end
  action :look, effect: :read, about: "A read that heeds `control` too" do
    takes :item, :string
    gives :string
  end
end

driver :books, for: :ledger, default: true do
  perform :put do |item|
    file.append(path: "tries", text: "#{item}\n", state: true, sync: false)
    control = file.exists(path: "control", state: true) ? file.read(path: "control", state: true) : ""
    tries = file.read(path: "tries", state: true).lines.count { |l| l.strip == item }
    plan = control.lines.map { |l| l.split }.find { |w| w[0] == item && (w.size < 3 || tries <= w[2].to_i) }
    what = plan ? plan[1] : "none"
    exec.run(args: ["sleep", "600"]) if what == "hang"
    exec.run(args: ["sh", "-c", "kill -9 $PPID; sleep 600"]) if what == "kill"
    fail! :provider, "#{item} is refused" if what == "fail"
    fail! :transient, "#{item} is busy" if what == "transient"
    file.append(path: "ledger", text: "#{call.key} #{item}\n", state: true, sync: false)
    exec.run(args: ["sleep", "600"]) if what == "hang-after"
    exec.run(args: ["sh", "-c", "kill -9 $PPID; sleep 600"]) if what == "kill-after"
    fail! :provider, "#{item} is refused afterwards" if what == "fail-after"
    fail! :transient, "#{item} is busy afterwards" if what == "transient-after"
    { item: item, key: call.key }
  end

  perform :put_safe do |item|
    file.append(path: "tries", text: "#{item}\n", state: true, sync: false)
    control = file.exists(path: "control", state: true) ? file.read(path: "control", state: true) : ""
    tries = file.read(path: "tries", state: true).lines.count { |l| l.strip == item }
    plan = control.lines.map { |l| l.split }.find { |w| w[0] == item && (w.size < 3 || tries <= w[2].to_i) }
    what = plan ? plan[1] : "none"
    exec.run(args: ["sleep", "600"]) if what == "hang"
    exec.run(args: ["sh", "-c", "kill -9 $PPID; sleep 600"]) if what == "kill"
    fail! :provider, "#{item} is refused" if what == "fail"
    fail! :transient, "#{item} is busy" if what == "transient"
    file.append(path: "ledger", text: "#{call.key} #{item}\n", state: true, sync: false)
    exec.run(args: ["sleep", "600"]) if what == "hang-after"
    exec.run(args: ["sh", "-c", "kill -9 $PPID; sleep 600"]) if what == "kill-after"
    fail! :provider, "#{item} is refused afterwards" if what == "fail-after"
    fail! :transient, "#{item} is busy afterwards" if what == "transient-after"
    { item: item, key: call.key }
  end

  perform :put_by_key do |item|
    file.append(path: "tries", text: "#{item}\n", state: true, sync: false)
    control = file.exists(path: "control", state: true) ? file.read(path: "control", state: true) : ""
    tries = file.read(path: "tries", state: true).lines.count { |l| l.strip == item }
    plan = control.lines.map { |l| l.split }.find { |w| w[0] == item && (w.size < 3 || tries <= w[2].to_i) }
    what = plan ? plan[1] : "none"
    exec.run(args: ["sleep", "600"]) if what == "hang"
    exec.run(args: ["sh", "-c", "kill -9 $PPID; sleep 600"]) if what == "kill"
    fail! :provider, "#{item} is refused" if what == "fail"
    fail! :transient, "#{item} is busy" if what == "transient"
    books = file.exists(path: "ledger", state: true) ? file.read(path: "ledger", state: true) : ""
    known = books.lines.any? { |l| l.split[0] == call.key }
    file.append(path: "ledger", text: "#{call.key} #{item}\n", state: true, sync: false) if !known
    exec.run(args: ["sleep", "600"]) if what == "hang-after"
    exec.run(args: ["sh", "-c", "kill -9 $PPID; sleep 600"]) if what == "kill-after"
    fail! :provider, "#{item} is refused afterwards" if what == "fail-after"
    fail! :transient, "#{item} is busy afterwards" if what == "transient-after"
    { item: item, key: call.key }
  end

  perform :put_probed do |item|
    file.append(path: "tries", text: "#{item}\n", state: true, sync: false)
    control = file.exists(path: "control", state: true) ? file.read(path: "control", state: true) : ""
    tries = file.read(path: "tries", state: true).lines.count { |l| l.strip == item }
    plan = control.lines.map { |l| l.split }.find { |w| w[0] == item && (w.size < 3 || tries <= w[2].to_i) }
    what = plan ? plan[1] : "none"
    exec.run(args: ["sleep", "600"]) if what == "hang"
    exec.run(args: ["sh", "-c", "kill -9 $PPID; sleep 600"]) if what == "kill"
    fail! :provider, "#{item} is refused" if what == "fail"
    fail! :transient, "#{item} is busy" if what == "transient"
    file.append(path: "ledger", text: "#{call.key} #{item}\n", state: true, sync: false)
    exec.run(args: ["sleep", "600"]) if what == "hang-after"
    exec.run(args: ["sh", "-c", "kill -9 $PPID; sleep 600"]) if what == "kill-after"
    fail! :provider, "#{item} is refused afterwards" if what == "fail-after"
    fail! :transient, "#{item} is busy afterwards" if what == "transient-after"
    { item: item, key: call.key }
  end

  perform :put_unknown do |item|
    file.append(path: "tries", text: "#{item}\n", state: true, sync: false)
    control = file.exists(path: "control", state: true) ? file.read(path: "control", state: true) : ""
    tries = file.read(path: "tries", state: true).lines.count { |l| l.strip == item }
    plan = control.lines.map { |l| l.split }.find { |w| w[0] == item && (w.size < 3 || tries <= w[2].to_i) }
    what = plan ? plan[1] : "none"
    exec.run(args: ["sleep", "600"]) if what == "hang"
    exec.run(args: ["sh", "-c", "kill -9 $PPID; sleep 600"]) if what == "kill"
    fail! :provider, "#{item} is refused" if what == "fail"
    fail! :transient, "#{item} is busy" if what == "transient"
    file.append(path: "ledger", text: "#{call.key} #{item}\n", state: true, sync: false)
    exec.run(args: ["sleep", "600"]) if what == "hang-after"
    exec.run(args: ["sh", "-c", "kill -9 $PPID; sleep 600"]) if what == "kill-after"
    fail! :provider, "#{item} is refused afterwards" if what == "fail-after"
    fail! :transient, "#{item} is busy afterwards" if what == "transient-after"
    { item: item, key: call.key }
  end

  perform :remove do |item|
    file.append(path: "tries", text: "-#{item}\n", state: true, sync: false)
    control = file.exists(path: "control", state: true) ? file.read(path: "control", state: true) : ""
    tries = file.read(path: "tries", state: true).lines.count { |l| l.strip == "-#{item}" }
    plan = control.lines.map { |l| l.split }.find { |w| w[0] == "-#{item}" && (w.size < 3 || tries <= w[2].to_i) }
    what = plan ? plan[1] : "none"
    exec.run(args: ["sleep", "600"]) if what == "hang"
    exec.run(args: ["sh", "-c", "kill -9 $PPID; sleep 600"]) if what == "kill"
    fail! :provider, "#{item} is refused" if what == "fail"
    fail! :transient, "#{item} is busy" if what == "transient"
    file.append(path: "ledger", text: "#{call.key} -#{item}\n", state: true, sync: false)
    exec.run(args: ["sleep", "600"]) if what == "hang-after"
    exec.run(args: ["sh", "-c", "kill -9 $PPID; sleep 600"]) if what == "kill-after"
    fail! :provider, "#{item} is refused afterwards" if what == "fail-after"
    fail! :transient, "#{item} is busy afterwards" if what == "transient-after"
    { item: item, key: call.key }
  end

  probe :put_probed do |item|
    books = file.exists(path: "ledger", state: true) ? file.read(path: "ledger", state: true) : ""
    if books.lines.any? { |l| l.split[0] == call.key }
      { item: item, key: call.key }
    else
      :not_done
    end
  end

  probe :put_unknown do |item|
    item == "certain" ? :not_done : :unknown
  end

  perform :count do |item|
    books = file.exists(path: "ledger", state: true) ? file.read(path: "ledger", state: true) : ""
    books.lines.count { |l| l.split[1] == item }
  end

  perform :look do |item|
    control = file.exists(path: "control", state: true) ? file.read(path: "control", state: true) : ""
    plan = control.lines.map { |l| l.split }.find { |w| w[0] == item }
    what = plan ? plan[1] : "none"
    exec.read(args: ["sleep", "600"]) if what == "hang"
    exec.read(args: ["sh", "-c", "kill -9 $PPID; sleep 600"]) if what == "kill"
    fail! :provider, "#{item} is refused" if what == "fail"
    fail! :transient, "#{item} is busy" if what == "transient"
    what
  end
end
