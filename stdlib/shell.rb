# Programs, each with a list of arguments. A status that is not in `ok` fails the action, with the last line
# the program wrote to its standard error. 128 and more: a signal ended it (137 is KILL).
#
# There is no shell between the runbook and the program: an argument stays one argument, whatever characters it
# has. For pipes and redirections write a script, and run that.
#
# ```ruby runbook run file=disk.rb
# runbook "disk" do
#   title "Look at the disk"
#   use "shell"
#
#   step "Look" do
#     timeout 10.seconds
#     found = shell.read(args: ["printf", "%s %s\n", "/ 40%", "$HOME; not expanded"])
#     show found.out.strip, as: "usage"
#   end
# end
# ```
# ```output
# Look at the disk
# run ... by ..., 1 step
#
# [1/1] Look
#       usage: / 40% $HOME; not expanded
#       ok
#
# succeeded after ...
# look: stepwise show ...
# ```
#
# A program heads its own session. When the step's time is up, or the run is cancelled while a read is under way,
# it gets TERM together with everything it started, and KILL after 5 seconds if something is still there. It is
# reaped and its pipes are closed before the run goes on. Should `stepwise` itself be killed, the kernel kills the
# program: nothing goes on that nobody watches (one that changes its user, as sudo does, escapes that). What a
# program leaves running on purpose when it ends (a daemon) is left alone, and is waited for no longer than a
# second even when it holds the program's outputs open. A program that starts a session of its own leaves the reach of these signals.
#
# Each output is taken up to the driver's `max`, 1 MiB. A `read` that writes more is stopped; a write goes on to
# its end, and then the action fails and says with which status it ended. Bytes that are not UTF-8 become U+FFFD.

binding :shell, "Programs of this machine" do
  action :run, effect: :write, about: "Run a program that changes something; not repeated by itself" do
    takes :args,  :array,    about: "the program and its arguments"
    takes :dir,   :path,     optional: true, about: "the directory it works in"
    takes :env,   :hash,     default: {},    about: "variables set for it; nil takes one away"
    takes :stdin, :string,   optional: true, about: "the text it reads"
    takes :ok,    :array,    default: [0],   about: "statuses that are no failure"
    gives :status, :integer
    gives :out,    :string
    gives :err,    :string
  end

  action :repeat, effect: :write, repeat: :safe, about: "Run a program that may run again without harm" do
    takes :args,  :array,    about: "the program and its arguments"
    takes :dir,   :path,     optional: true, about: "the directory it works in"
    takes :env,   :hash,     default: {},    about: "variables set for it; nil takes one away"
    takes :stdin, :string,   optional: true, about: "the text it reads"
    takes :ok,    :array,    default: [0],   about: "statuses that are no failure"
    gives :status, :integer
    gives :out,    :string
    gives :err,    :string
  end

  action :read, effect: :read, about: "Run a program that only looks" do
    takes :args,  :array,    about: "the program and its arguments"
    takes :dir,   :path,     optional: true, about: "the directory it works in"
    takes :env,   :hash,     default: {},    about: "variables set for it; nil takes one away"
    takes :stdin, :string,   optional: true, about: "the text it reads"
    takes :ok,    :array,    default: [0],   about: "statuses that are no failure"
    gives :status, :integer
    gives :out,    :string
    gives :err,    :string
  end
end

driver :local, for: :shell, default: true, about: "As the user who runs the runbook" do
  setting :max, :integer, default: 1048576, about: "bytes of each output that are taken"

  perform :run do |args, dir, env, stdin, ok|
    r = exec.run(args: args, dir: dir, env: env, stdin: stdin, max: setting.max)
    fail! :provider, ["#{args.first} ended with status #{r.status}", r.err.strip.lines.last].compact.join(": ") if !ok.include?(r.status)
    { status: r.status, out: r.out, err: r.err }
  end

  perform :repeat do |args, dir, env, stdin, ok|
    r = exec.run(args: args, dir: dir, env: env, stdin: stdin, max: setting.max)
    fail! :provider, ["#{args.first} ended with status #{r.status}", r.err.strip.lines.last].compact.join(": ") if !ok.include?(r.status)
    { status: r.status, out: r.out, err: r.err }
  end

  perform :read do |args, dir, env, stdin, ok|
    r = exec.read(args: args, dir: dir, env: env, stdin: stdin, max: setting.max)
    fail! :provider, ["#{args.first} ended with status #{r.status}", r.err.strip.lines.last].compact.join(": ") if !ok.include?(r.status)
    { status: r.status, out: r.out, err: r.err }
  end
end

# In a drill no program is run. What would have been is a line in the drill's directory; what it says is
# a setting.
driver :simulated, for: :shell, about: "Runs nothing: each program ends at once" do
  setting :status, :integer, default: 0,  about: "with which every program ends"
  setting :out,    :string,  default: "", about: "what each writes to its standard output"
  setting :err,    :string,  default: "", about: "and to its standard error"

  perform :run do |args, dir, env, stdin, ok|
    file.append(path: "shell", text: "run #{args.inspect}\n", state: true)
    fail! :provider, ["#{args.first} ended with status #{setting.status}", setting.err.strip.lines.last].compact.join(": ") if !ok.include?(setting.status)
    { status: setting.status, out: setting.out, err: setting.err }
  end

  perform :repeat do |args, dir, env, stdin, ok|
    file.append(path: "shell", text: "repeat #{args.inspect}\n", state: true)
    fail! :provider, ["#{args.first} ended with status #{setting.status}", setting.err.strip.lines.last].compact.join(": ") if !ok.include?(setting.status)
    { status: setting.status, out: setting.out, err: setting.err }
  end

  perform :read do |args, dir, env, stdin, ok|
    fail! :provider, ["#{args.first} ended with status #{setting.status}", setting.err.strip.lines.last].compact.join(": ") if !ok.include?(setting.status)
    { status: setting.status, out: setting.out, err: setting.err }
  end
end
