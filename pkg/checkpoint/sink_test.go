package checkpoint

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func drawSource(t *rapid.T, topic uuid.UUID, name string) Source {
	return Source{topic, rapid.Uint32().Draw(t, name+" epoch"), rapid.Int32Min(-1).Draw(t, name+" leader epoch"), rapid.Int64Min(-1).Draw(t, name)}
}

// drawJoint draws a joint batch, or none.
func drawJoint(t *rapid.T) *Joint {
	n := rapid.IntRange(0, MostMembers).Draw(t, "members")
	if n == 0 {
		return nil
	}
	j := &Joint{Digest: rapid.StringMatching("[0-9a-f]{32}").Draw(t, "digest")}
	partition := int32(-1)
	for range n {
		partition += rapid.Int32Range(1, 1000).Draw(t, "gap")
		from := rapid.Int64Range(0, 1<<55).Draw(t, "from")
		j.Members = append(j.Members, Member{partition, from, from + rapid.Int64Range(1, 1<<30).Draw(t, "rows"), rapid.Int32Min(-1).Draw(t, "leader epoch")})
	}
	return j
}

func TestASinkSurvivesTheMetadata(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.Int64Range(0, 1<<50).Draw(t, "offset")
		want := NewSink(uuid.New())
		want.Era = rapid.Int64Min(0).Draw(t, "era")
		want.LeaderEpoch = rapid.Int32Min(-1).Draw(t, "leader epoch")
		if rapid.Bool().Draw(t, "fenced") {
			want.Fenced = rapid.Int64Range(0, offset).Draw(t, "fenced up to")
		}
		for range rapid.IntRange(0, mostMarks+1).Draw(t, "logs") {
			topic := uuid.New()
			m := Mark{Source: drawSource(t, topic, "source"), Superseded: rapid.Int64Min(0).Draw(t, "superseded"), Fed: rapid.Int32Min(-1).Draw(t, "fed"), Doubt: drawSource(t, topic, "doubt")}
			if !m.Doubt.After(m.Source) {
				m.Doubt = Nowhere(topic)
			}
			want.Marks = want.Marks.With(m)
		}
		if rapid.Bool().Draw(t, "open") {
			want.Next = offset + rapid.Int64Range(1, 1<<30).Draw(t, "rows")
			want.NextLeaderEpoch = rapid.Int32Min(-1).Draw(t, "next leader epoch")
			want.Halved, want.Replaces = rapid.Bool().Draw(t, "halved"), rapid.Bool().Draw(t, "replaces")
			want.Joint = drawJoint(t)
		}
		got, err := ParseSink(want.String(), offset)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
		if version := formatOf(want.String()); (version == 4) != (want.Joint != nil || want.Fenced > 0) {
			t.Fatalf("format %d", version)
		}
		if n := len(want.String()); n > 4096 || want.Joint == nil && n > 2048 {
			t.Fatalf("metadata of %d bytes; brokers take 4096", n)
		}
	})
}

func TestParseSink(t *testing.T) {
	for _, metadata := range []string{"", "checkpoint", `{"v":1,"src":5}`, `{"v":2,"src":5,"old":9}`, "{}"} {
		if got, err := ParseSink(metadata, 7); !errors.Is(err, ErrForeign) {
			t.Errorf("no memory of a log: %q: %+v, %v", metadata, got, err)
		}
	}
	log := strings.Repeat("A", 21) + "Q"
	for name, metadata := range map[string]string{
		"newer format":      `{"v":5,"log":7}`,
		"joint of nobody":   `{"v":4,"log":"` + log + `","next":9,"j":{"t":"d","m":""}}`,
		"joint cut off":     `{"v":4,"log":"` + log + `","next":9,"j":{"t":"d","m":"AAE"}}`,
		"joint of no name":  `{"v":4,"log":"` + log + `","next":9,"j":{"m":"AAEBAA"}}`,
		"fenced negative":   `{"v":4,"log":"` + log + `","fe":-1}`,
		"ends at its start": `{"v":3,"log":"` + log + `","next":7}`,
		"no log":            `{"v":3,"next":9}`,
		"log of 3 bytes":    `{"v":3,"log":"AAAA"}`,
		"source negative":   `{"v":3,"log":"` + log + `","src":[{"t":"` + log + `","l":0,"o":-2}]}`,
		"a log twice":       `{"v":3,"log":"` + log + `","src":[{"t":"` + log + `","l":0,"o":1},{"t":"` + log + `","l":0,"o":2}]}`,
	} {
		if got, err := ParseSink(metadata, 7); err == nil || errors.Is(err, ErrForeign) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestSourcesOfOneTopicAreOrderedByEpochThenLeaderEpochThenOffset(t *testing.T) {
	topic := uuid.New()
	at := func(epoch uint32, leader int32, offset int64) Source { return Source{topic, epoch, leader, offset} }
	for _, c := range []struct {
		a, b Source
		want bool
	}{
		{at(0, 0, 0), Nowhere(topic), true},
		{Nowhere(topic), Nowhere(topic), false},
		{at(0, 0, 5), at(0, 0, 5), false},
		{at(0, 0, 6), at(0, 0, 5), true},
		{at(1, 0, 0), at(0, 0, 5), true},
		{at(0, 0, 9), at(1, 0, 5), false},
		{at(0, 2, 5), at(0, 1, 9), true}, // after a truncation
		{at(0, 1, 9), at(0, 2, 5), false},
		{at(1, 0, 1), at(0, 3, 9), true},
	} {
		if got := c.a.After(c.b); got != c.want {
			t.Errorf("%v after %v: %v", c.a, c.b, got)
		}
	}
}

func TestMarksKeepTheNewestLogs(t *testing.T) {
	var ms Marks
	var topics []uuid.UUID
	for range mostMarks + 2 {
		topics = append(topics, uuid.New())
		ms = ms.With(NewMark(topics[len(topics)-1]))
	}
	before := ms
	ms = ms.With(Mark{Source: Source{topics[3], 0, 0, 9}, Doubt: Nowhere(topics[3])})
	if _, ok := ms.Find(topics[1]); ok || len(ms) != mostMarks {
		t.Errorf("%d marks, the oldest among them: %v", len(ms), ok)
	}
	if m, ok := ms.Find(topics[3]); !ok || m.Offset != 9 || ms[len(ms)-1] != m {
		t.Errorf("the mark that was set is %+v, %v", m, ok)
	}
	if m, _ := before.Find(topics[3]); m.Offset != -1 {
		t.Error("marks that were handed out have changed")
	}
}

func FuzzParseSink(f *testing.F) {
	s := NewSink(uuid.Max)
	s.Next, s.Marks = 9, Marks{NewMark(uuid.Max)}
	f.Add(s.String(), int64(7))
	f.Fuzz(func(t *testing.T, metadata string, offset int64) {
		state, err := ParseSink(metadata, offset)
		if err != nil {
			return
		}
		again, err := ParseSink(state.String(), offset)
		if err != nil || again.String() != state.String() {
			t.Errorf("%q: %+v becomes %+v, %v", metadata, state, again, err)
		}
	})
}
