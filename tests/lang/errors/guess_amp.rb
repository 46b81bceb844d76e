list.map &:size
a &b
