package clickhouse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

// sent is what natively writes of values, as long as that is no more than one piece.
func sent(t *testing.T, typ string, values ...any) []byte {
	t.Helper()
	encode, ok := natively(typ, values)
	if !ok {
		t.Fatalf("%s takes no %T", typ, values[0])
	}
	f := newFrames()
	if err := encode(f); err != nil {
		t.Fatal(err)
	}
	return f.buf.Buf
}

// Erasure, and rows that are withheld, rest on this: what a row no longer says is nowhere in what is sent.
func TestWhatNoRowSaysAnyMoreIsNotSent(t *testing.T) {
	const secret = "secret"
	for name, change := range map[string]struct {
		texts func(*Texts) *Texts
		words func(*Words) *Words
		lists func(*Lists) *Lists
	}{
		"changed": {
			func(c *Texts) *Texts { c.Set(1, ""); return c }, func(c *Words) *Words { c.Set(1, ""); return c }, func(c *Lists) *Lists { c.Empty(1); return c },
		},
		"left out": {
			func(c *Texts) *Texts { return c.Choose([]int{0, 2}) }, func(c *Words) *Words { return c.Choose([]int{0, 2}) }, func(c *Lists) *Lists { return c.Choose([]int{0, 2}) },
		},
		"cut off": {
			func(c *Texts) *Texts { return c.Slice(2, 3) }, func(c *Words) *Words { return c.Slice(2, 3) }, func(c *Lists) *Lists { return c.Slice(2, 3) },
		},
		"dropped": {
			func(c *Texts) *Texts { c.Keep([]bool{true, false, true}); return c }, func(c *Words) *Words { c.Keep([]bool{true, false, true}); return c },
			func(c *Lists) *Lists { c.Keep([]bool{true, false, true}); return c },
		},
	} {
		var texts Texts
		var words Words
		var lists Lists
		for _, s := range []string{"first", secret, "third"} {
			texts.Append(s)
			words.Append(s)
			lists.Append([]string{s})
		}
		for typ, values := range map[string]any{"String": &texts, "LowCardinality(String)": &words, "Array(LowCardinality(String))": &lists} {
			if !bytes.Contains(sent(t, typ, values), []byte(secret)) {
				t.Fatalf("%s: it is not sent at first: the test shows nothing", typ)
			}
		}
		for typ, values := range map[string]any{
			"String": change.texts(&texts), "LowCardinality(String)": change.words(&words), "Array(LowCardinality(String))": change.lists(&lists),
		} {
			if got := sent(t, typ, values); bytes.Contains(got, []byte(secret)) || !bytes.Contains(got, []byte("third")) {
				t.Errorf("%s, %s: sent %q", name, typ, got)
			}
		}
	}
}

func TestColumnsSayWhatTheyWereGivenAlsoWhenUsedAgain(t *testing.T) {
	var texts Texts
	var words Words
	var lists Lists
	var floats Floats
	for round := range 3 {
		var want []string
		for i := range 5000 >> round {
			s := fmt.Sprint("value ", i%(10*(round+1)))
			want = append(want, s)
			texts.Append(s)
			words.Append(s)
			lists.Append([]string{s, "", s})
			floats.Append(float32(i))
		}
		floats.SetNull(1)
		if got := (Column{Values: &texts}).Plain(); !slices.Equal(got.([]string), want) {
			t.Errorf("round %d: texts are not what was given", round)
		}
		if got := (Column{Values: &words}).Plain(); !slices.Equal(got.([]string), want) {
			t.Errorf("round %d: words are not what was given", round)
		}
		if got := lists.At(7); !slices.Equal(got, []string{want[7], "", want[7]}) {
			t.Errorf("round %d: a list is %q", round, got)
		}
		if floats.At(1) != nil || *floats.At(2) != 2 {
			t.Errorf("round %d: floats are %v, %v", round, floats.At(1), floats.At(2))
		}
		texts.Reset()
		words.Reset()
		lists.Reset()
		floats.Reset()
	}
}

// A dictionary's size decides how wide the numbers of its words are.
func TestDictionariesOfAnySizeAreWhatTheDriverReads(t *testing.T) {
	const typ = "LowCardinality(String)"
	for _, distinct := range []int{1, 254, 255, 256, 257, 65_535, 65_536, 65_537} {
		var parts [2]Words
		var want []string
		for row := range distinct + 10 {
			word := fmt.Sprint("word ", row%distinct)
			want = append(want, word)
			parts[min(row/(1+distinct/2), 1)].Append(word)
		}
		var out, again bytes.Buffer
		for _, to := range []*bytes.Buffer{&out, &again} {
			f := newFrames()
			f.to = to
			encode, _ := natively(typ, []any{&parts[0], &parts[1]})
			if err := errors.Join(encode(f), f.flush()); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(out.Bytes(), again.Bytes()) {
			t.Fatalf("%d words: a block that is sent again is another one", distinct)
		}
		c, err := column.Type(typ).Column("", new(column.ServerContext))
		if err != nil {
			t.Fatal(err)
		}
		reader := proto.NewReader(&out)
		reader.EnableCompression()
		if err := errors.Join(c.(column.CustomSerialization).ReadStatePrefix(reader), c.Decode(reader, len(want))); err != nil {
			t.Fatalf("%d words: %v", distinct, err)
		}
		for row := range want {
			if got := c.Row(row, false); got != want[row] {
				t.Fatalf("%d words: row %d is %q, want %q", distinct, row, got, want[row])
			}
		}
	}
}

// What one large batch needed is not held on to by the small ones after it.
func TestAFewRowsHoldLittleMemory(t *testing.T) {
	var texts Texts
	var words Words
	var lists Lists
	for i := range 100_000 {
		texts.Append("a text")
		words.Append(fmt.Sprint(i))
		lists.Append([]string{"a"})
	}
	for range 2 {
		texts.Reset()
		words.Reset()
		lists.Reset()
		texts.Append("a text")
		words.Append("a word")
		lists.Append([]string{"a"})
	}
	if n := texts.Size() + words.Size() + lists.Size(); n > 64<<10 {
		t.Errorf("three rows hold %d bytes", n)
	}
}

// BenchmarkEncode is a row of eight LowCardinality columns on its way from columns into a block, by ours and by the driver's. It is limited by
// compression, and the driver's by boxing each value.
func BenchmarkEncode(b *testing.B) {
	const rows, columns = 20_000, 8
	var kept [columns]Words
	var plain [columns][]string
	for row := range rows {
		for i := range kept {
			word := []string{"", "Chrome", "Windows", fmt.Sprint("item ", row%(40<<i))}[(row>>i)%4]
			kept[i].Append(word)
			plain[i] = append(plain[i], word)
		}
	}
	const typ = "LowCardinality(String)"
	f := newFrames()
	f.to = io.Discard
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		for range max(b.N/rows, 1) {
			for i := range kept {
				encode, _ := natively(typ, []any{&kept[i]})
				if err := encode(f); err != nil {
					b.Fatal(err)
				}
			}
			if err := f.flush(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("driver", func(b *testing.B) {
		b.ReportAllocs()
		for range max(b.N/rows, 1) {
			for i := range plain {
				c, err := column.Type(typ).Column("", new(column.ServerContext))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := c.Append(plain[i]); err != nil {
					b.Fatal(err)
				}
				var buf proto.Buffer
				c.Encode(&buf)
				if err := f.compressor.Compress(buf.Buf); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
