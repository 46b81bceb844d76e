a

  .b
