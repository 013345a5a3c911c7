-- Readers see the old rows or the new ones.
ALTER TABLE {table} REPLACE PARTITION ID '{partition}' FROM {stage}
