package native

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ClickHouse/ch-go/compress"
)

// framed compresses b in frames of at most part bytes, as a client does.
func framed(t testing.TB, method compress.Method, b []byte, part int) []byte {
	t.Helper()
	w := compress.NewWriter(compress.LevelZero, method)
	var out []byte
	for len(b) > 0 {
		n := min(part, len(b))
		if err := w.Compress(b[:n]); err != nil {
			t.Fatal(err)
		}
		out, b = append(out, w.Data...), b[n:]
	}
	return out
}

func TestUnframeReadsFramesOfEveryMethodHoweverTheyArrive(t *testing.T) {
	wire := encode(t, "Array(LowCardinality(String))", []any{[]string{"a", "b"}, []string{strings.Repeat("c", 5000)}})
	for name, method := range map[string]compress.Method{"none": compress.None, "lz4": compress.LZ4, "lz4hc": compress.LZ4HC, "zstd": compress.ZSTD} {
		t.Run(name, func(t *testing.T) {
			frames := framed(t, method, wire, 700)
			tape := Unframe(NewTape(iotest.OneByteReader(bytes.NewReader(frames))))
			for range 2 { // the second block follows on nothing left over
				b, err := ReadBlock(tape, Revision)
				if err != nil {
					t.Fatal(err)
				}
				if got := b.AppendWire(nil, Revision); !bytes.Equal(got, wire) || tape.Buffered() != 0 {
					t.Fatalf("block of %d bytes, %d left; want %d, 0", len(got), tape.Buffered(), len(wire))
				}
				tape = Unframe(NewTape(bytes.NewReader(frames)))
			}
		})
	}
}

func TestFramerIsUndoneByUnframe(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 300_000) // three frames
	for _, method := range []string{"", "lz4", "LZ4HC", "zstd", "none"} {
		frames, err := NewFramer(method).Append(nil, content)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(UnframeReader(bytes.NewReader(frames)))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("method %q: %d bytes, %v", method, len(got), err)
		}
	}
}

// hostile are inputs that announce more than they hold, or what must not be.
func hostile(t testing.TB) map[string][]byte {
	block := func(column string, data ...byte) []byte {
		b := append(bytes.Clone(blockInfo), 1)
		b = binary.AppendUvarint(b, 1<<30)
		b = append(AppendString(AppendString(b, "c"), column), 0)
		return append(b, data...)
	}
	huge := bytes.Repeat([]byte{0xff}, 7)
	return map[string][]byte{
		"rows without data":        block("UInt64"),
		"strings without data":     block("String"),
		"a string of petabytes":    block("String", append(huge, 1)...),
		"a number without end":     bytes.Repeat([]byte{0xff}, 20),
		"columns without end":      append(bytes.Clone(blockInfo), 0xff, 0xff, 0xff, 0x7f, 0),
		"a type without end":       block(strings.Repeat("Array(", 5000) + "UInt8" + strings.Repeat(")", 5000)),
		"no such type":             block("Nonsense"),
		"half a type":              block("Array("),
		"an array without type":    block("Array()"),
		"a custom serialization":   append(append(bytes.Clone(blockInfo), 1, 1), 1, 'c', 5, 'U', 'I', 'n', 't', '8', 1),
		"a dictionary of exabytes": block("LowCardinality(String)", append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0}, append(huge, 0x7f)...)...),
		"a block info field":       {9},
	}
}

func TestHostileBlocksAreRefusedAtTheCostOfWhatWasSent(t *testing.T) {
	for name, wire := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := ReadBlock(NewTape(bytes.NewReader(wire)), Revision)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("error %v", err)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 2<<20 {
				t.Errorf("%d bytes of input cost %d bytes of memory", len(wire), took)
			}
		})
	}
}

func TestHostileFramesAreRefused(t *testing.T) {
	good := framed(t, compress.LZ4, []byte("content content content"), 100)
	change := func(at int, b byte) []byte {
		c := bytes.Clone(good)
		c[at] ^= b
		return c
	}
	for name, frames := range map[string][]byte{
		"checksum": change(0, 1), "method": change(16, 0xff), "size": change(20, 0x7f), "content size": change(24, 0x7f), "content": change(30, 1), "half": good[:30], "half a head": good[:10],
	} {
		if _, err := io.ReadAll(UnframeReader(bytes.NewReader(frames))); !errors.Is(err, ErrMalformed) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// Before its credentials are known a client may cost next to nothing.
func TestHelloIsShort(t *testing.T) {
	hello := AppendString([]byte{ClientHello}, strings.Repeat("x", 1<<20))
	if _, err := ReadHello(NewTape(bytes.NewReader(hello))); !errors.Is(err, ErrMalformed) {
		t.Errorf("a client's name of 1 MiB gives %v", err)
	}
}

// FuzzClient feeds everything a client may send to everything that reads it.
func FuzzClient(f *testing.F) {
	for _, s := range samples {
		wire := encode(f, s.name, s.values)
		f.Add(wire)
		f.Add(framed(f, compress.LZ4, wire, 100))
	}
	for _, wire := range hostile(f) {
		f.Add(wire)
	}
	f.Add(AppendString(append(AppendString([]byte{ClientHello}, "client"), 1, 1, 0xbc, 0xa9, 3), "default"))
	f.Fuzz(func(t *testing.T, input []byte) {
		for _, revision := range []uint64{0, minRevision, Revision} {
			tape := NewTape(bytes.NewReader(input))
			b, err := ReadBlock(tape, revision)
			if err == nil && revision > 0 && tape.Offset() <= len(input) {
				again, err := ReadBlock(BytesTape(b.AppendWire(nil, revision)), revision)
				if err != nil || again.Rows != b.Rows || len(again.Columns) != len(b.Columns) {
					t.Errorf("a block that was read cannot be read again: %v", err)
				}
			}
			if _, err := ReadQuery(NewTape(bytes.NewReader(input)), revision); err == nil && len(input) == 0 {
				t.Error("a query of nothing")
			}
			CopyBlock(NewTape(bytes.NewReader(input)), revision, func([]byte) error { return nil })
			ReadBlock(Unframe(NewTape(bytes.NewReader(input))), revision)
		}
		ReadHello(NewTape(bytes.NewReader(input)))
	})
}
