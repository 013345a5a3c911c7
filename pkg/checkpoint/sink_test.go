package checkpoint

import (
	"testing"

	"pgregory.net/rapid"
)

func TestASinkSurvivesTheMetadata(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.Int64Range(0, 1<<50).Draw(t, "offset")
		want := Sink{Source: Source{rapid.Uint32().Draw(t, "epoch"), rapid.Int64Min(-1).Draw(t, "source")}}
		if rapid.Bool().Draw(t, "open") {
			want.Next = offset + rapid.Int64Range(1, 1<<30).Draw(t, "rows")
		}
		if rapid.Bool().Draw(t, "re-enrichment") {
			want.Superseded = rapid.Int64Min(1).Draw(t, "superseded")
		}
		got, err := ParseSink(want.String(), offset)
		if err != nil || got != want {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	})
}

func TestParseSink(t *testing.T) {
	if got, err := ParseSink("", 7); err != nil || got != (Sink{Source: Nowhere}) {
		t.Errorf("no metadata: %+v, %v", got, err)
	}
	for name, metadata := range map[string]string{
		"another tool's":    "checkpoint",
		"newer format":      `{"v":3,"src":5}`,
		"old as version 1":  `{"v":1,"src":5,"old":9}`,
		"nothing old":       `{"v":2,"src":5}`,
		"ends at its start": `{"v":1,"next":7,"src":5}`,
		"source negative":   `{"v":1,"src":-2}`,
	} {
		if got, err := ParseSink(metadata, 7); err == nil {
			t.Errorf("%s: accepted as %+v", name, got)
		}
	}
}

func TestOnlyAReEnrichmentNeedsTheNewerFormat(t *testing.T) {
	if got := (Sink{Source: Source{Epoch: 3, Offset: 5}}).String(); got != `{"v":1,"epoch":3,"src":5}` {
		t.Errorf("got %s", got)
	}
	if got := (Sink{Source: Source{Epoch: 3, Offset: 5}, Superseded: 9}).String(); got != `{"v":2,"epoch":3,"src":5,"old":9}` {
		t.Errorf("got %s", got)
	}
}

func TestEpochsComeBeforeOffsets(t *testing.T) {
	for _, c := range []struct {
		a, b Source
		want bool
	}{
		{Source{0, 0}, Nowhere, true},
		{Source{0, 5}, Source{0, 5}, false},
		{Source{0, 6}, Source{0, 5}, true},
		{Source{1, 0}, Source{0, 5}, true},
		{Source{0, 9}, Source{1, 5}, false},
	} {
		if got := c.a.After(c.b); got != c.want {
			t.Errorf("%v after %v: %v", c.a, c.b, got)
		}
	}
}

func FuzzParseSink(f *testing.F) {
	f.Add(`{"v":1,"next":9,"src":5}`, int64(7))
	f.Fuzz(func(t *testing.T, metadata string, offset int64) {
		state, err := ParseSink(metadata, offset)
		if err != nil {
			return
		}
		if again, err := ParseSink(state.String(), offset); err != nil || again != state {
			t.Errorf("%q: %+v becomes %+v, %v", metadata, state, again, err)
		}
	})
}
