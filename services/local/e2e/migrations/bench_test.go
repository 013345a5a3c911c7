package migrations

import (
	"testing"

	"github.com/waymark-events/waymark/schemas"
)

// BenchmarkEventsIdentified counts users by day over a million events of a month: 100,000 visitors of whom every second becomes somebody in half of their
// events, and 1,000 aliases, in ten accounts. Beside it, what the same costs without resolving anybody.
func BenchmarkEventsIdentified(b *testing.B) {
	h := newHouse(b)
	h.setup(schemas.Migrations())
	h.exec(`INSERT INTO $.events (event_id, account_id, event, item_type, item_id, time, client_time, visitor_id, user_id, props, props_text)
		SELECT generateUUIDv4(), concat('a', toString(visitor % 10)), 'play', 'walkthru', toString(number % 500), toDateTime64('2026-10-01 00:00:00', 3, 'UTC') + number * 2.5 AS t, t,
			lower(hex(MD5(toString(cityHash64(number) % 100000 AS visitor)))) AS v, if(visitor % 2 = 0 AND number % 2 = 0, concat('user-', toString(visitor), '@example.com'), v), '{"plan":"pro"}', '{"plan":"pro"}'
		FROM numbers(1000000)`)
	h.exec(`INSERT INTO $.events (event_id, account_id, event, item_type, time, client_time, visitor_id, user_id, detail_text)
		SELECT generateUUIDv4(), concat('a', toString(number % 10)), 'alias', 'user', toDateTime64('2026-10-15 00:00:00', 3, 'UTC') + number AS t, t, concat('w', toString(number)),
			concat('user-', toString(number + 1000), '@example.com'), concat('{"previous_id":"user-', toString(number), '@example.com"}') FROM numbers(1000)`)
	for name, query := range map[string]string{
		"all, not resolved":         "SELECT toDate(time) AS day, uniqExact(user_id) FROM $.events_live GROUP BY day",
		"all":                       "SELECT toDate(time) AS day, uniqExact(resolved_user_id) FROM $.events_identified GROUP BY day",
		"one of ten, not resolved":  "SELECT toDate(time) AS day, uniqExact(user_id) FROM $.events_live WHERE account_id = 'a4' GROUP BY day",
		"one of ten":                "SELECT toDate(time) AS day, uniqExact(resolved_user_id) FROM $.events_identified WHERE account_id = 'a4' GROUP BY day",
		"one of ten, a day of them": "SELECT toDate(time) AS day, uniqExact(resolved_user_id) FROM $.events_identified WHERE account_id = 'a4' AND time >= '2026-10-20' AND time < '2026-10-21' GROUP BY day",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				h.ask(query)
			}
		})
	}
}
