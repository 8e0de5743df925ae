-- Compiling these statements takes longer than running them, even for a million rows.
SET LOCAL jit = off
