show -x
wait -1
x = a -b
timeout -5.seconds
step("one") { wait -count }
limit = timeout -5
