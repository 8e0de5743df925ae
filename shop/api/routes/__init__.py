"""The operations, a module for each subject. Each parses, asks one service and answers."""
