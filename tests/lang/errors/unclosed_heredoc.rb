x = <<~TEXT
  abc
  TEXTS
