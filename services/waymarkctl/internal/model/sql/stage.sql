-- A table beside one of the model, in which rows are made anew before they replace the old ones.
CREATE TABLE {stage} AS {table}
ENGINE = {engine}
