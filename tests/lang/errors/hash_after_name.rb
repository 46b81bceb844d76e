show { a: 1 }
show [a: 1]
show "a" { 1 }
show "k" => 1
