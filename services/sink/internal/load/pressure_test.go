package load

import (
	"errors"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

func TestBatchesGrowWhileClickHouseReportsTooManyPartsAndShrinkSlowly(t *testing.T) {
	set := &Settings{Rows: 100, Bytes: 1000, Age: time.Second}
	want := func(p *pressure, rows, bytes int, age time.Duration) {
		t.Helper()
		if r, b, a := p.limits(set); r != rows || b != bytes || a != age {
			t.Errorf("a batch ends at %d rows, %d bytes, %s; want %d, %d, %s", r, b, a, rows, bytes, age)
		}
	}
	var p pressure
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
	if rows, _, _ := p.limits(set); rows < 2500 || rows >= 3200 {
		t.Errorf("one good batch takes it to %d rows", rows)
	}
	for range 100 {
		p.eased()
	}
	want(&p, 100, 1000, time.Second)
}
