-- Parts are written anew without the rows, whatever projections hang on the table; a lightweight delete would only hide them.
ALTER TABLE events DELETE WHERE {person}
SETTINGS mutations_sync = 0
