self.x = 1
super
super(1)
