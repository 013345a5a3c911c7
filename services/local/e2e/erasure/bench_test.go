package erasure

import (
	"fmt"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/erasure"
)

// Erasing one of 10,000 users of ten million rows of a year: a thousand events, some in every part. Ten seconds are the lease; what bounds the rest
// is ClickHouse writing every part anew, since each holds some of the rows. A benchmark is one run: -benchtime 1x.
func BenchmarkEraseOfTenMillionRows(b *testing.B) {
	p := build(b)
	const rows, perInsert = 10_000_000, 250_000
	for from := 0; from < rows; from += perInsert {
		p.exec(fmt.Sprintf(`INSERT INTO events (event_id, account_id, region, event, item_type, item_id, interaction_id, time, client_time, received_at, enriched_at,
				visitor_id, user_id, session_id, url, url_host, url_path, page_title, browser, os, country_code, props_text)
			SELECT generateUUIDv4(), if(number %% 11 = 0, 'b', 'a'), 'eu', 'play', 'walkthru', toString(number %% 500), toString(cityHash64(number)), now64(3) - toIntervalMillisecond(intDiv(number * 31536000000, 10000000)) AS time, time, time, time,
				lower(hex(MD5(toString(number %% 20000)))), concat('user-', toString(number %% 10000), '@example.com'), toString(intDiv(number, 40)),
				concat('https://app.example/path/', toString(number %% 3000)), 'app.example', concat('/path/', toString(number %% 3000)), concat('Page ', toString(number %% 3000)), 'Chrome', 'Windows', 'DE',
				concat('{"plan":"pro","n":', toString(number %% 1000), '}')
			FROM numbers(%d, %d)`, from, perInsert))
	}
	before := p.count("SELECT count() FROM events")
	theirs := p.count("SELECT count() FROM events WHERE account_id = 'a' AND user_id = 'user-77@example.com'")
	for b.Loop() {
		started := time.Now()
		p.erase("--user", "user-77@example.com")
		b.ReportMetric((time.Since(started) - erasure.Lease).Seconds(), "s-beside-lease/op")
		b.ReportMetric(float64(theirs), "rows/op")
	}
	if after := p.count("SELECT count() FROM events"); after != before-theirs {
		b.Errorf("%d rows of %d are left, of which %d were theirs", after, before, theirs)
	}
}
