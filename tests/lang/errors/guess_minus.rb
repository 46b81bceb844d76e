show -x
wait -1
x = a -b
