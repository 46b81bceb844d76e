a /b
expect /x/.match?(y)
