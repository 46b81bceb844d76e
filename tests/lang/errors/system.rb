system "rm -rf /"
exec "ls"
spawn "ls"
exec.run(command: ["ls"])
