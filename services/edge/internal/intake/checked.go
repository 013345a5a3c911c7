package intake

import (
	"sync"
	"unsafe"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
)

// Checked is what Check decided.
type Checked struct {
	// Results are those of the events, in order.
	Results []Result
	// Records are for Store. They alias the request's bytes, and memory that Release takes back.
	Records []event.Record

	work *work
	ids  []byte // as text, of Results
}

// A work is memory of one request, used again by another.
type work struct {
	records event.Records
	sent    event.Sent
	raw     event.Raw
	// places are those of the records, by their ids, where there are more than fewRecords.
	places map[uuid.UUID]int
	ids    []uuid.UUID
}

var works = sync.Pool{New: func() any { return &work{places: make(map[uuid.UUID]int)} }}

func newChecked(events int) *Checked {
	return &Checked{Results: make([]Result, events), work: works.Get().(*work)}
}

// mostKept is how many records a work's memory may be of.
const mostKept = 1024

// Release takes the records' memory back. Results stay.
func (c *Checked) Release() {
	w := c.work
	if len(w.ids) <= mostKept {
		w.records.Reset()
		clear(w.places)
		w.sent, w.raw, w.ids = event.Sent{Details: w.sent.Details[:0]}, event.Raw{}, w.ids[:0]
		works.Put(w)
	}
	*c = Checked{Results: c.Results}
}

// idSize is that of an id as text.
const idSize = 36

// text is an id as text, in memory that the results share.
func (c *Checked) text(id uuid.UUID) string {
	if cap(c.ids)-len(c.ids) < idSize {
		c.ids = make([]byte, 0, idSize*len(c.Results))
	}
	from := len(c.ids)
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			c.ids = append(c.ids, '-')
		}
		c.ids = append(c.ids, digits[b>>4], digits[b&15])
	}
	return unsafe.String(&c.ids[from], idSize)
}

const digits = "0123456789abcdef"

// fewRecords are looked through; of more than that the places are kept by id.
const fewRecords = 32

// seen is the place of the record with an id, or that of the next one.
func (c *Checked) seen(id uuid.UUID) (place int, before bool) {
	w := c.work
	if len(w.ids) <= fewRecords {
		for place := range w.ids {
			if w.ids[place] == id {
				return place, true
			}
		}
		return len(w.ids), false
	}
	if place, before = w.places[id]; before {
		return place, true
	}
	return len(w.ids), false
}

// add makes the next record. id is the event's, as text.
func (c *Checked) add(raw *event.Raw, id, visitor string) {
	w := c.work
	w.ids = append(w.ids, raw.EventID)
	switch n := len(w.ids); {
	case n == fewRecords+1:
		for place, id := range w.ids {
			w.places[id] = place
		}
	case n > fewRecords:
		w.places[raw.EventID] = n - 1
	}
	w.records.Add(raw, id, visitor)
}
