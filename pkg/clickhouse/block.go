package clickhouse

import (
	"fmt"
	"io"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

// A block is written as clickhouse-go 2.50 writes its own, revision 54460 of the protocol, which every server speaks that has the type JSON. Another
// version of the driver may speak another: then this does not compile, and what it writes is to be compared.
var _ = [1]struct{}{}[ch.ClientTCPProtocolVersion-54460]

// frameBytes is how much of a block is compressed and sent at once, in bytes: what is encoded of it and not yet sent is little more.
const frameBytes = 256 << 10

// Frames writes what is put into buf in compressed pieces, as the native protocol has them.
type frames struct {
	to         io.Writer
	buf        proto.Buffer
	compressor *compress.Writer
}

func newFrames() *frames {
	return &frames{compressor: compress.NewWriter(compress.LevelZero, compress.LZ4)}
}

// spill sends what is in buf when that is enough for a piece.
func (f *frames) spill() error {
	if len(f.buf.Buf) < frameBytes {
		return nil
	}
	return f.flush()
}

func (f *frames) flush() error {
	if len(f.buf.Buf) == 0 {
		return nil
	}
	if err := f.compressor.Compress(f.buf.Buf); err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	f.buf.Reset()
	_, err := f.to.Write(f.compressor.Data)
	return err
}

// A cell is one column of a block on its way.
type cell struct {
	name, typ string
	encode    encoder
}

// cells pairs parts, of which each has the same columns in the same order, with what the server has for them. It returns how many rows there
// are. Errors are *RowError where a column does not take the values.
func cells(have []column.Interface, parts [][]Column) (out []cell, rows int, err error) {
	for i, of := range have {
		values := make([]any, 0, len(parts))
		n := 0
		for _, part := range parts {
			if len(part) != len(have) {
				return nil, 0, fmt.Errorf("a part has %d columns, want %d", len(part), len(have))
			}
			values = append(values, part[i].Values)
			n += length(part[i].Values)
		}
		if i == 0 {
			rows = n
		} else if n != rows {
			return nil, 0, fmt.Errorf("column %s has %d rows, want %d", of.Name(), n, rows)
		}
		encode, err := encoderOf(of, values)
		if err != nil {
			return nil, 0, &RowError{of.Name(), err}
		}
		out = append(out, cell{of.Name(), string(of.Type()), encode})
	}
	return out, rows, nil
}

// write sends one data packet of rows, all cells of it.
func (f *frames) write(cells []cell, rows int) error {
	f.buf.Reset()
	// Neither the packet's kind nor the name of a temporary table is compressed.
	if _, err := f.to.Write([]byte{byte(proto.ClientCodeData), 0}); err != nil {
		return err
	}
	proto.BlockInfo{BucketNum: -1}.Encode(&f.buf)
	f.buf.PutUVarInt(uint64(len(cells)))
	f.buf.PutUVarInt(uint64(rows))
	for _, c := range cells {
		f.buf.PutString(c.name)
		f.buf.PutString(c.typ)
		f.buf.PutBool(false) // no serialization but the type's own
		if err := c.encode(f); err != nil {
			return err
		}
	}
	return f.flush()
}
