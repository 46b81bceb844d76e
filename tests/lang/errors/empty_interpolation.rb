show "a #{} b"
