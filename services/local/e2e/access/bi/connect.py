"""Reads as an analyst with clickhouse-connect, over HTTP; prints "ok" at the end."""

import datetime
import os
import sys
import uuid

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError

host, port, user, password, database = sys.argv[1:6]
client = clickhouse_connect.get_client(host=host, port=int(port), username=user, password=password, database=database)

names = [row[0] for row in client.query("SHOW TABLES").result_rows]
assert {"events", "events_live", "interactions", "sessions", "item_activity"} <= set(names), names
assert not {"item_activity_feed", "waymark_migrations"} & set(names), names
comments = dict(client.query("SELECT name, comment FROM system.columns WHERE database = currentDatabase() AND table = 'events'").result_rows)
assert comments["account_id"] == "The customer", comments

# A view with parameters, bound by the server: no value is written into the statement.
span = {"account": "shop", "from": datetime.date(2026, 5, 1), "to": datetime.date(2026, 5, 31), "audience": "live", "item": "shop-walkthru"}
result = client.query(
    "SELECT interaction_id, exposed, started_at, seconds_to_complete, steps FROM interactions(account={account:String},"
    " from={from:Date}, to={to:Date}, audience={audience:String}, item={item:String}) ORDER BY first_time",
    parameters=span,
)
assert result.row_count == 50, result.row_count
interaction, exposed, started, seconds, steps = result.first_row
assert (interaction, exposed, seconds, steps) == ("shop-play-0", 1, None, {}), result.first_row
# Times carry their zone, here UTC, if they are asked to: they are naive otherwise, in UTC.
assert started.replace(tzinfo=None) == datetime.datetime(2026, 5, 4, 10, 0), started
assert list(result.result_rows[1][4]) == [0], result.result_rows[1]
quotes = client.query("SELECT count() FROM interactions(account={account:String}, from={from:Date}, to={to:Date}, audience={audience:String}, item={item:String})",
                      parameters=span | {"item": "it's \\ \"none\"\n"})
assert quotes.first_row[0] == 0, quotes.first_row

row = client.query(
    "SELECT event_id, event, time, preview, latitude, flags, time_flag, props, toString(props.plan) AS plan, props.cart.total::Float64 AS total, toDate(time) AS day"
    " FROM events WHERE interaction_id = 'shop-play-0'",
    tz_mode="aware",
)
got = dict(zip(row.column_names, row.first_row))
assert isinstance(got["event_id"], uuid.UUID), got
assert got["event"] == "play" and got["preview"] is False and got["latitude"] == 52.5, got
assert got["time"] == datetime.datetime(2026, 5, 4, 10, 0, tzinfo=datetime.timezone.utc), got
assert got["flags"] == ["cut:shop"] and got["time_flag"] == "as_sent" and got["day"] == datetime.date(2026, 5, 4), got
assert got["plan"] == "shop-gold" and got["total"] == 1.5, got
assert got["props"] == {"plan": "shop-gold", "cart": {"total": 1.5}, "tags": ["shop"]}, got
assert client.query("SELECT latitude FROM events WHERE interaction_id = 'shop-play-1'").first_row == (None,)

for statement, code in (("SELECT * FROM nowhere", 60), ("SELECT * FROM system.users", 497), ("SELECT * FROM interactions(account='shop')", 456)):
    try:
        client.query(statement)
        raise AssertionError(statement + " is answered")
    except DatabaseError as error:
        assert f"code {code}" in str(error).lower() or f"Code: {code}" in str(error), error

try:
    client.command("INSERT INTO events (account_id) VALUES ('shop')")
    raise AssertionError("an insert is taken")
except DatabaseError as error:
    assert "ACCESS_DENIED" in str(error), error

# A large result comes block by block; memory does not grow with it.
total, blocks = 0, 0
with client.query_row_block_stream("SELECT number, toString(number) FROM numbers(2000000)") as stream:
    for block in stream:
        total, blocks = total + len(block), blocks + 1
assert total == 2000000 and blocks > 10, (total, blocks)
print("ok", clickhouse_connect.__version__ if hasattr(clickhouse_connect, "__version__") else "")
