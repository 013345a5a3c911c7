package native

import "encoding/binary"

// Block is a block that was walked over: where its parts lie in the bytes it was read from.
type Block struct {
	Rows    uint64
	Columns []Column

	header []byte // number of columns and rows
	bytes  []byte
}

// Column is a name, a type, and where they and the data lie.
type Column struct {
	Name, Type    string
	from, to      int // name and type
	dataFrom, end int
}

// ReadBlock walks over one block at t. The block's bytes are t's: valid until its next read. In the protocol's form a BlockInfo
// comes before it and, by revision, a flag before each column; revision 0 is the form of FORMAT Native, without either.
func ReadBlock(t *Tape, revision uint64) (Block, error) {
	var b Block
	t.Start()
	if err := readBlockInfo(t, revision); err != nil {
		return b, err
	}
	from := t.Offset()
	columns, rows, err := readSize(t)
	if err != nil {
		return b, err
	}
	b.Rows = rows
	headerEnd := t.Offset()
	for range columns {
		c, err := readColumn(t, b.Rows, revision)
		if err != nil {
			return b, err
		}
		b.Columns = append(b.Columns, c)
	}
	b.bytes = t.Kept()
	b.header = b.bytes[from:headerEnd]
	return b, nil
}

// CopyBlock passes one block of the protocol's form on to write in the form of FORMAT Native, column by column, so that no more
// than a column is held. It returns the block's size. write's error ends nothing: the block is read to its end all the same.
func CopyBlock(t *Tape, revision uint64, write func([]byte) error) (columns, rows uint64, failed, err error) {
	put := func(b []byte) {
		if failed == nil {
			failed = write(b)
		}
	}
	t.Start()
	if err := readBlockInfo(t, revision); err != nil {
		return 0, 0, nil, err
	}
	from := t.Offset()
	if columns, rows, err = readSize(t); err != nil {
		return columns, rows, nil, err
	}
	if rows > 0 {
		put(t.Kept()[from:])
	}
	for range columns {
		t.Start()
		c, err := readColumn(t, rows, revision)
		if err != nil {
			return columns, rows, failed, err
		}
		if rows > 0 {
			put(t.Kept()[c.from:c.to])
			put(t.Kept()[c.dataFrom:c.end])
		}
	}
	return columns, rows, failed, nil
}

func readBlockInfo(t *Tape, revision uint64) error {
	if revision == 0 {
		return nil
	}
	return skipBlockInfo(t)
}

func readSize(t *Tape) (columns, rows uint64, err error) {
	if columns, err = t.Uvarint(); err != nil {
		return 0, 0, err
	}
	if columns > MaxColumns {
		return 0, 0, malformed("a block of %d columns", columns)
	}
	if rows, err = t.Uvarint(); err != nil {
		return 0, 0, err
	}
	if rows > MaxRows {
		return 0, 0, malformed("a block of %d rows", rows)
	}
	return columns, rows, nil
}

func readColumn(t *Tape, rows, revision uint64) (c Column, err error) {
	c.from = t.Offset()
	if c.Name, err = t.String(); err != nil {
		return c, err
	}
	if c.Type, err = t.String(); err != nil {
		return c, err
	}
	c.to = t.Offset()
	if revision >= revisionCustomSerialization {
		custom, err := t.Byte()
		if err != nil {
			return c, err
		}
		if custom != 0 {
			return c, malformed("column %.100q has a custom serialization", c.Name)
		}
	}
	c.dataFrom = t.Offset()
	walker, err := newColumn(c.Type, 0)
	if err != nil {
		return c, err
	}
	if rows > 0 {
		if err := walker.prefix(t); err != nil {
			return c, err
		}
		if err := walker.values(t, rows); err != nil {
			return c, err
		}
	}
	c.end = t.Offset()
	return c, nil
}

// skipBlockInfo passes numbered fields: 1 is_overflows, 2 bucket number, 0 the end.
func skipBlockInfo(t *Tape) error {
	for {
		field, err := t.Uvarint()
		if err != nil {
			return err
		}
		switch field {
		case 0:
			return nil
		case 1:
			err = t.Advance(1)
		case 2:
			err = t.Advance(4)
		default:
			err = malformed("block info field %d", field)
		}
		if err != nil {
			return err
		}
	}
}

// blockInfo is the one every block of a plain result has: no overflow, no bucket.
var blockInfo = []byte{1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0}

// AppendWire appends the block in the protocol's form.
func (b Block) AppendWire(to []byte, revision uint64) []byte {
	to = append(to, blockInfo...)
	to = append(to, b.header...)
	for _, c := range b.Columns {
		to = append(to, b.bytes[c.from:c.to]...)
		to = appendCustomFlag(to, revision)
		to = append(to, b.bytes[c.dataFrom:c.end]...)
	}
	return to
}

// AppendHeaderBlock appends a block of no rows, in the protocol's form.
func AppendHeaderBlock(to []byte, columns []Column, revision uint64) []byte {
	to = append(to, blockInfo...)
	to = binary.AppendUvarint(to, uint64(len(columns)))
	to = append(to, 0)
	for _, c := range columns {
		to = AppendString(to, c.Name)
		to = AppendString(to, c.Type)
		to = appendCustomFlag(to, revision)
	}
	return to
}

// appendCustomFlag says that a column is serialized in the type's own way, never as sparse or replicated.
func appendCustomFlag(to []byte, revision uint64) []byte {
	if revision < revisionCustomSerialization {
		return to
	}
	return append(to, 0)
}

// AppendString appends a length and the bytes.
func AppendString(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}
