files = `ls -l`
other = %x(ls)
