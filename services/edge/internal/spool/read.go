package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/event"
)

const (
	// chunkBytes is about how much is drained at once.
	chunkBytes = 512 << 10
	// saveEvery bounds what is drained again after a crash.
	saveEvery = time.Second
)

// A Chunk is the oldest records that were not drained.
type Chunk struct {
	Records []event.Record
	to      cursor
}

// Next returns the oldest records, whole entries of them; nil when there are none. What fails its checksum is put aside, counted
// and logged: it is never skipped in silence.
func (l *Log) Next() (*Chunk, error) {
	for {
		l.mu.Lock()
		seg, at := l.oldest()
		var size int64
		var file *os.File
		if seg != nil {
			size, file = seg.size, seg.file
		}
		l.mu.Unlock()
		if seg == nil {
			return nil, nil
		}
		chunk, err := readChunk(file, cursor{seg.number, at}, size)
		switch {
		case errors.Is(err, errTorn):
			if err := l.putAside(file, cursor{seg.number, at}, size); err != nil {
				return nil, err
			}
			l.move(cursor{seg.number, size}, 0)
			continue
		case errors.Is(err, os.ErrClosed): // it was written anew a moment ago
			continue
		case errors.Is(err, io.EOF): // somebody cut it: Keep takes it as long as it is
			if kept := l.Keep(); kept != nil {
				return nil, errors.Join(err, kept)
			}
			l.mu.Lock()
			cut := seg.size < size
			l.mu.Unlock()
			if !cut {
				return nil, err
			}
			continue
		case err != nil:
			return nil, err
		}
		l.metrics.oldest.Store(chunk.Records[0].Timestamp)
		return chunk, nil
	}
}

// oldest finds the segment to read from, and where.
func (l *Log) oldest() (*segment, int64) {
	for _, s := range l.segments {
		switch {
		case s.number == l.at.segment && s.size > l.at.offset:
			return s, l.at.offset
		case s.number > l.at.segment && s.size > 0:
			return s, 0
		}
	}
	return nil, 0
}

// readChunk reads whole entries from at on, at least one of them. errTorn means that the first is none.
func readChunk(file *os.File, from cursor, size int64) (*Chunk, error) {
	at := from.offset
	want := min(size-at, chunkBytes)
	var header [entryHeader]byte
	if size-at >= entryHeader {
		if _, err := file.ReadAt(header[:], at); err != nil {
			return nil, fmt.Errorf("read the spool: %w", err)
		}
		if length := int64(binary.BigEndian.Uint32(header[:])); length <= maxEntry {
			want = min(size-at, max(want, entryHeader+length))
		}
	}
	data := make([]byte, want)
	if _, err := file.ReadAt(data, at); err != nil {
		return nil, fmt.Errorf("read the spool: %w", err)
	}
	out := &Chunk{to: from}
	for {
		payload, length, err := checkEntry(data)
		if err != nil {
			break
		}
		if out.Records, err = decodeEntry(out.Records, payload); err != nil {
			break
		}
		out.to.offset += int64(length)
		data = data[length:]
	}
	if len(out.Records) == 0 {
		return nil, errTorn
	}
	return out, nil
}

// Done says that c has reached Kafka.
func (l *Log) Done(c *Chunk) {
	l.move(c.to, int64(len(c.Records)))
	l.metrics.drained.Add(float64(len(c.Records)))
}

// move sets the cursor, and removes the segments that lie before it.
func (l *Log) move(to cursor, events int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = to
	l.events = max(0, l.events-events)
	empty := l.drained() && !l.busy
	if empty {
		l.events = 0
	}
	keep := l.segments[:0]
	for i, s := range l.segments {
		if !empty && (s.number >= to.segment || i == len(l.segments)-1) {
			keep = append(keep, s)
			continue
		}
		l.bytes -= s.size
		l.failed = nil // there is room again
		if err := l.discard(s); err != nil {
			l.log.Error("a drained segment stays on disk", zap.Error(err))
		}
	}
	l.segments = keep
	if empty || time.Since(l.saved) > saveEvery {
		l.save()
	}
}

// Note writes down where draining is, for a pause of which nobody knows how long it takes: after a crash in it, what was drained long
// ago is not sent again.
func (l *Log) Note() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.save()
}

func (l *Log) save() {
	l.saved = time.Now()
	if !l.lock.there() { // another process may have the folder; if not, it is made anew
		return
	}
	if err := l.at.save(l.Dir); err != nil && time.Since(l.complained) > tellEvery {
		l.complained = time.Now()
		l.log.Error("where draining is could not be noted: after a crash more is sent again", zap.Error(err))
	}
}

// putAside copies what cannot be read, from at to the segment's end, into a file of its own for somebody to look at.
func (l *Log) putAside(file *os.File, from cursor, size int64) error {
	data := make([]byte, size-from.offset)
	if _, err := file.ReadAt(data, from.offset); err != nil {
		return fmt.Errorf("read the spool: %w", err)
	}
	name, err := l.aside(fmt.Sprintf("corrupt-%016d-%d", from.segment, from.offset), data)
	if err != nil {
		return err
	}
	l.metrics.corrupt.Add(float64(len(data)))
	l.log.Error("a part of the spool fails its checksum and was put aside", zap.String("file", name), zap.Int("bytes", len(data)))
	return nil
}

// Refuse puts one record aside that Kafka will never take.
func (l *Log) Refuse(rec event.Record, why error) error {
	name, err := l.aside(fmt.Sprintf("refused-%d", time.Now().UnixNano()), appendEntry(nil, []event.Record{rec}))
	if err != nil {
		return err
	}
	l.metrics.putAside.Inc()
	l.log.Error("Kafka will never take a spooled record; it was put aside", zap.String("file", name), zap.Error(why))
	return nil
}

func (l *Log) aside(name string, data []byte) (string, error) {
	dir := filepath.Join(l.Dir, "aside")
	name = filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(dir, 0o700), writeSynced(name, data)); err != nil {
		return "", fmt.Errorf("put a part of the spool aside: %w", err)
	}
	if err := errors.Join(syncDir(dir), syncDir(l.Dir)); err != nil {
		return "", fmt.Errorf("put a part of the spool aside: %w", err)
	}
	return name, nil
}

// writeSynced writes a file durably: the only other copy is about to go.
func writeSynced(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
