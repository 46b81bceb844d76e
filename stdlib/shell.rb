# Programs of this machine. A list of arguments, never a shell: what comes from outside stays one
# argument, whatever characters it has. For pipes and redirections write a script and run that.
#
# A program that ends with a status that is not in `ok` fails the action. It is stopped when the step's
# time is up: TERM to it and all that it started, KILL when that does not help.

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
