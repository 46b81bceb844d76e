x = /a/iz
