"""Reads as an analyst through SQLAlchemy, with the dialect that Superset uses; prints "ok" at the end."""

import datetime
import sys
from urllib.parse import quote

import sqlalchemy
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

host, port, user, password, database = sys.argv[1:6]
engine = create_engine(f"clickhousedb://{quote(user)}:{quote(password)}@{host}:{port}/{database}")

looked = inspect(engine)
tables, views = set(looked.get_table_names(database)), set(looked.get_view_names(database))
assert "events" in tables | views and "interactions" in tables | views, (tables, views)
assert not {"item_activity_feed", "waymark_migrations"} & (tables | views), (tables, views)
columns = [column["name"] for column in looked.get_columns("events", database)]

with engine.connect() as connection:
    assert columns == list(connection.execute(text("SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'events' ORDER BY position")).scalars()), columns
    span = {"account": "shop", "from": datetime.date(2026, 5, 1), "to": datetime.date(2026, 5, 31), "audience": "live", "item": "shop-walkthru"}
    rows = connection.execute(text(
        "SELECT interaction_id, exposed, started_at, seconds_to_complete FROM interactions(account = :account, from = :from, to = :to, audience = :audience, item = :item)"
        " ORDER BY first_time"), span).fetchall()
    assert len(rows) == 50 and rows[0][0] == "shop-play-0" and rows[0][3] is None, rows[:2]
    assert rows[0][2].replace(tzinfo=None) == datetime.datetime(2026, 5, 4, 10, 0), rows[0]
    assert connection.execute(text("SELECT count() FROM events WHERE item_id = :item"), {"item": "it's \\ \"none\""}).scalar() == 0

    # A table that is reflected, and its columns in a statement that SQLAlchemy writes.
    events = sqlalchemy.Table("events_live", sqlalchemy.MetaData(schema=database), autoload_with=engine)
    statement = sqlalchemy.select(events.c.event, sqlalchemy.func.count().label("n")).where(events.c.item_type == "walkthru").group_by(events.c.event).order_by("event")
    assert [tuple(row) for row in connection.execute(statement)] == [("complete", 10), ("goal", 10), ("play", 10), ("play_failed", 10), ("step", 10)]

    row = connection.execute(text("SELECT time, preview, latitude, flags, props, props_text FROM events WHERE interaction_id = 'shop-play-0'")).one()
    assert row.preview is False and row.latitude == 52.5 and row.flags == ["cut:shop"], row
    assert row.props == {"plan": "shop-gold", "cart": {"total": 1.5}, "tags": ["shop"]}, row
    try:
        connection.execute(text("SELECT * FROM nowhere"))
        raise AssertionError("a table that is not there is answered")
    except DBAPIError as error:
        assert "UNKNOWN_TABLE" in str(error) or "60" in str(error), error
    try:
        connection.execute(text("INSERT INTO events (account_id) VALUES ('shop')"))
        raise AssertionError("an insert is taken")
    except DBAPIError as error:
        assert "ACCESS_DENIED" in str(error) or "privileges" in str(error), error

    total = 0
    for part in connection.execution_options(stream_results=True).execute(text("SELECT number FROM numbers(1000000)")).partitions(100000):
        total += len(part)
    assert total == 1000000, total
print("ok", sqlalchemy.__version__)
