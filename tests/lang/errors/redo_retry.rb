redo
retry
