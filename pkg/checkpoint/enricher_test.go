package checkpoint

import (
	"errors"
	"testing"

	"github.com/google/uuid"
)

func TestEnricher(t *testing.T) {
	whole := Enricher{Epoch: 7, Log: uuid.New(), LeaderEpoch: 3, Enriched: uuid.New(), Written: 1 << 40, Stored: 12}
	for _, want := range []Enricher{NewEnricher(0), NewEnricher(1<<32 - 1), whole} {
		if got, err := ParseEnricher(want.String()); err != nil || got != want {
			t.Errorf("%+v comes back as %+v, %v", want, got, err)
		}
	}
	if got, err := ParseEnricher(`{"v":1,"epoch":5}`); err != nil || got != NewEnricher(5) {
		t.Errorf("format 1: %+v, %v", got, err)
	}
	for _, metadata := range []string{"", "checkpoint", "{}", "[1]"} {
		if got, err := ParseEnricher(metadata); !errors.Is(err, ErrForeign) || got != NewEnricher(0) {
			t.Errorf("another tool's metadata %q: %+v, %v", metadata, got, err)
		}
	}
	for name, metadata := range map[string]string{
		"newer format": `{"v":3,"epoch":"five"}`, "epoch negative": `{"v":1,"epoch":-2}`, "no id": `{"v":2,"log":"x"}`, "written negative": `{"v":2,"w":-1}`,
	} {
		if got, err := ParseEnricher(metadata); err == nil || errors.Is(err, ErrForeign) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func FuzzParseEnricher(f *testing.F) {
	f.Add(`{"v":1,"epoch":9}`)
	f.Add(Enricher{Epoch: 7, Log: uuid.Max, LeaderEpoch: 3, Enriched: uuid.Max, Written: 9, Stored: 12}.String())
	f.Fuzz(func(t *testing.T, metadata string) {
		e, err := ParseEnricher(metadata)
		if err != nil {
			return
		}
		if again, err := ParseEnricher(e.String()); err != nil || again != e {
			t.Errorf("%q: %+v becomes %+v, %v", metadata, e, again, err)
		}
	})
}
