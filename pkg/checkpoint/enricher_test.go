package checkpoint

import "testing"

func TestEnricher(t *testing.T) {
	for _, want := range []Enricher{{}, {7}, {1<<32 - 1}} {
		if got, err := ParseEnricher(want.String()); err != nil || got != want {
			t.Errorf("%+v comes back as %+v, %v", want, got, err)
		}
	}
	if got, err := ParseEnricher(""); err != nil || got != (Enricher{}) {
		t.Errorf("no metadata: %+v, %v", got, err)
	}
	for name, metadata := range map[string]string{
		"another tool's": "checkpoint", "newer format": `{"v":2,"epoch":5}`, "epoch negative": `{"v":1,"epoch":-2}`,
	} {
		if got, err := ParseEnricher(metadata); err == nil {
			t.Errorf("%s: accepted as %+v", name, got)
		}
	}
}

func FuzzParseEnricher(f *testing.F) {
	f.Add(`{"v":1,"epoch":9}`)
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
