package local

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// pastOf counts the events that the pipeline's tables have, each once.
func pastOf(t *testing.T, p *Pipeline) (n uint64) {
	t.Helper()
	stored, err := p.counters()
	if err != nil {
		t.Fatal(err)
	}
	defer stored.close()
	for _, region := range Regions {
		var here uint64
		if err := stored.byRegion[region].Scalar(t.Context(), "SELECT count() FROM events FINAL", &here); err != nil {
			t.Fatal(err)
		}
		n += here
	}
	return n
}

func TestAFreshFolderGetsAPastOnceWhateverHappens(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Data, cfg.Geo, cfg.Days = t.TempDir(), madeLocations, 30
	cfg.Edge, cfg.Kafka, cfg.ClickHouseNative, cfg.ClickHouseHTTP, cfg.Admin = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	p, err := Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	}()
	was, err := p.readPast(ctx)
	if err != nil || was == nil || was.Stored || was.Days != 30 || was.Events != pastEvents {
		t.Fatalf("a fresh folder is to get %+v, %v", was, err)
	}
	was.Events = 2000 // a shorter test
	if err := p.writePast(was); err != nil {
		t.Fatal(err)
	}
	remember := func() uint64 {
		t.Helper()
		var out bytes.Buffer
		if err := p.remember(ctx, &out); err != nil {
			t.Fatal(err)
		}
		return pastOf(t, p)
	}
	n := remember()
	if n < 1500 || n > 2500 {
		t.Errorf("%d events, want about 2000", n)
	}
	if again := remember(); again != n {
		t.Errorf("%d events at first, %d after another start", n, again)
	}
	// As if it had been interrupted before it was written down that all is stored.
	text, err := os.ReadFile(cfg.pastFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cfg.pastFile(), []byte(strings.Replace(string(text), "true", "false", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := remember(); again != n {
		t.Errorf("%d events at first, %d after an interrupted start", n, again)
	}
	// Tables with events of which no past is written down are somebody's.
	if err := os.Remove(cfg.pastFile()); err != nil {
		t.Fatal(err)
	}
	if again := remember(); again != n {
		t.Errorf("%d events of somebody's became %d", n, again)
	}
}
