Integer("3")
Float("3")
