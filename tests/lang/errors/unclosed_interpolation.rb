show "a #{b"
