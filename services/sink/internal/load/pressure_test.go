package load

import (
	"errors"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

func TestBatchesGrowWhileClickHouseReportsTooManyPartsAndShrinkSlowly(t *testing.T) {
	want := func(p *pressure, rows, bytes int, age time.Duration) {
		t.Helper()
		if got, want := p.limits(), (Limits{rows, bytes, age}); got != want {
			t.Errorf("a batch ends at %+v; want %+v", got, want)
		}
	}
	p := pressure{set: Limits{Rows: 100, Bytes: 1000, Age: time.Second}}
	want(&p, 100, 1000, time.Second)
	parts := &proto.Exception{Code: 252}
	p.felt(parts)
	want(&p, 200, 2000, 2*time.Second)
	p.felt(&proto.Exception{Code: 241})
	p.felt(errors.New("broken pipe"))
	want(&p, 200, 2000, 2*time.Second)
	for range 10 {
		p.felt(parts)
	}
	want(&p, 3200, 32_000, 30*time.Second)
	p.eased()
	if rows := p.limits().Rows; rows < 2500 || rows >= 3200 {
		t.Errorf("one good batch takes it to %d rows", rows)
	}
	for range 100 {
		p.eased()
	}
	want(&p, 100, 1000, time.Second)
}
