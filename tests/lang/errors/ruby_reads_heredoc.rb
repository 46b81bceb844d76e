x = <<~T
   a
  
 b
T
