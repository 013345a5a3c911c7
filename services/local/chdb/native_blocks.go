package chdb

import (
	"fmt"

	"github.com/waymark-events/waymark/services/local/chdb/internal/native"
)

// blockReader reads the blocks that a client sends with its query.
type blockReader struct {
	tape     *native.Tape
	content  *native.Tape // of the compressed frames, or tape itself
	framer   *native.Framer
	revision uint64
}

func (c *nativeConn) blocks(q native.Query) *blockReader {
	r := &blockReader{tape: c.tape, content: c.tape, revision: c.revision}
	if q.Compressed {
		r.content = native.Unframe(c.tape)
		method := ""
		for _, s := range q.Settings {
			if s.Name == "network_compression_method" {
				method = s.Value
			}
		}
		r.framer = native.NewFramer(method)
	}
	return r
}

// errCancelled is a client's cancel in place of a block.
var errCancelled = fmt.Errorf("the client cancelled its query")

// copyNext passes the next block on to write, in the form of FORMAT Native. last tells the block without columns that ends a
// client's data. failed is write's error; the block is read to its end all the same, so that the connection stays usable.
func (r *blockReader) copyNext(write func([]byte) error) (last bool, failed, err error) {
	r.tape.Start()
	packet, err := r.tape.Uvarint()
	if err != nil {
		return false, nil, err
	}
	switch packet {
	case native.ClientData:
	case native.ClientCancel:
		return false, nil, errCancelled
	default:
		return false, nil, fmt.Errorf("%w: packet %d where a block was due", native.ErrMalformed, packet)
	}
	if _, err := r.tape.String(); err != nil { // name of an external table
		return false, nil, err
	}
	columns, _, failed, err := native.CopyBlock(r.content, r.revision, write)
	if err == nil && r.content != r.tape && r.content.Buffered() > 0 {
		err = fmt.Errorf("%w: %d bytes after the end of a compressed block", native.ErrMalformed, r.content.Buffered())
	}
	return columns == 0, failed, err
}

// appendBlock appends a block in the form the client asked for; put appends it uncompressed.
func (r *blockReader) appendBlock(to []byte, put func([]byte) []byte) ([]byte, error) {
	to = native.AppendDataHead(to)
	if r.framer == nil {
		return put(to), nil
	}
	return r.framer.Append(to, put(nil))
}
