package load

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// A row is what the table holds of an event, and the block it came with.
type row struct {
	place rows.Position
	event string
	of    person
	month int
	block int64
}

// A simTable does with blocks what ClickHouse does: it stores each month's part or does not, drops a part whose token it remembers, and
// pushes a block to its view after it has stored it.
type simTable struct {
	// remembers is the deduplication window, in blocks; a view's is larger.
	remembers int
	rows      []row
	window    []string // tokens of parts, the oldest first
	blocks    atomic.Int64

	view       []rows.Position
	viewWindow []string
	// viewOfAll says that the view's own table is not partitioned by month, apart that others may come between the table and its view.
	viewOfAll, apart bool
	// viewFails is the code that the view throws, 0 when it is sound.
	viewFails int32
	// refuses is true while a constraint refuses every row.
	refuses bool
	// settled is true once the constraint is gone for good.
	settled bool
}

// Insert applies a block part by part, and then to the view.
func (m *member) Insert(_ context.Context, _, token string, blocks ...[]clickhouse.Column) (err error) {
	parts := make(map[int][]row)
	refused, pushes, taken := false, false, false
	issued := m.w.table.blocks.Load()
	var all []int64
	for _, columns := range blocks {
		offsets, bad := read(columns, parts)
		all, refused = append(all, offsets...), refused || bad
	}
	m.wait("insert", fmt.Sprint(token, all), func() {
		before := len(m.w.table.rows)
		err = m.w.insert(token, parts, refused)
		taken = len(m.w.table.rows) > before
		if pushes = err == nil && m.w.table.apart; err == nil && !pushes {
			err = m.w.push(token, parts)
		}
		m.late(len(blocks), taken, err)
	})
	if pushes { // others may come between the table and its view
		m.wait("insert", fmt.Sprint(token, all, " into the view"), func() {
			before := len(m.w.table.view)
			err = m.w.push(token, parts)
			m.w.doubles(before, issued)
		})
	}
	return err
}

// read adds the rows of columns to the parts of their months, and returns their raw offsets, and whether one has a bad value.
func read(columns []clickhouse.Column, parts map[int][]row) (offsets []int64, refused bool) {
	values := make(map[string]any)
	for _, c := range columns {
		values[c.Name] = c.Plain()
	}
	names, props := values["event"].([]string), values["props"].([]string)
	offsets = values["raw_offset"].([]int64)
	users, received := values["user_id"].([]string), values["received_at"].([]int64)
	for i := range names {
		r := row{
			place: rows.Position{
				TopicID: values["raw_topic_id"].([]uuid.UUID)[i], Partition: values["raw_partition"].([]int32)[i],
				LeaderEpoch: values["raw_leader_epoch"].([]int32)[i], Offset: offsets[i], Epoch: values["epoch"].([]uint32)[i],
			},
			event: names[i], of: person{users[i], received[i]}, month: time.UnixMilli(values["time"].([]int64)[i]).UTC().Year(),
		}
		refused = refused || props[i] == badProps
		parts[r.month] = append(parts[r.month], r)
	}
	return offsets, refused
}

func (w *world) insert(token string, parts map[int][]row, refused bool) error {
	t := &w.table
	switch {
	case w.fails(8):
		return errLost
	case w.fails(8):
		return &proto.Exception{Code: 252, Message: "too many parts"}
	case refused:
		w.reach("a row was refused")
		return &proto.Exception{Code: 117, Message: "incorrect data"}
	case t.refuses:
		w.reach("the table refused every row")
		return &proto.Exception{Code: 469, Message: "violated constraint"}
	}
	for month := 2020; month < 2020+months; month++ {
		if len(parts[month]) == 0 {
			continue
		}
		if w.fails(8) { // the server died between two parts
			return errLost
		}
		t.apply(fmt.Sprintf("%d/%s", month, token), parts[month], w.broken)
	}
	return nil
}

// push pushes a block that is in the table to its view.
func (w *world) push(token string, parts map[int][]row) error {
	t := &w.table
	if w.fails(8) { // before the view
		return errLost
	}
	if t.viewFails > 0 {
		w.reach("a view refused a block that the table has")
		message := "cannot parse: while pushing to view waymark.seen (1234)"
		if w.broken == viewsAreRows || w.choose(4) == 0 { // servers do not always say
			message = "cannot parse"
		}
		return &proto.Exception{Code: t.viewFails, Message: message}
	}
	before := slices.Clone(t.viewWindow)
	for month := 2020; month < 2020+months; month++ {
		known := fmt.Sprintf("%d/%s", month, token)
		if t.viewOfAll { // which knows no months
			known = token
		}
		if len(parts[month]) > 0 && !slices.Contains(before, known) {
			t.viewWindow = append(t.viewWindow, known)
			t.viewWindow = t.viewWindow[max(0, len(t.viewWindow)-4*t.remembers):]
			for _, r := range parts[month] {
				t.view = append(t.view, r.place)
			}
		}
	}
	if w.fails(8) {
		return errLost
	}
	return nil
}

// doubles notes the rows that the view had before a push, and that the table had when what was pushed was sent: who sent it could have known.
func (w *world) doubles(before int, issued int64) {
	had := make(map[rows.Position]bool)
	for _, place := range w.table.view[:before] {
		had[place] = true
	}
	for _, r := range w.table.rows {
		if had[r.place] && r.block <= issued && slices.Contains(w.table.view[before:], r.place) {
			w.sentAgain = append(w.sentAgain, r.place)
		}
	}
}

// apply adds a part unless its token is in the window.
func (t *simTable) apply(token string, part []row, broken fault) {
	if slices.Contains(t.window, token) && broken != forgottenToken {
		return
	}
	t.push(token)
	for _, r := range part {
		r.block = t.blocks.Load()
		t.rows = append(t.rows, r)
	}
}

func (t *simTable) push(token string) {
	t.blocks.Add(1)
	t.window = append(t.window, token)
	t.window = t.window[max(0, len(t.window)-t.remembers):]
}

// drop removes a month, as ALTER TABLE DROP PARTITION does; the window forgets the tokens of its parts.
func (w *world) drop(month int) {
	t := &w.table
	t.rows = slices.DeleteFunc(t.rows, func(r row) bool {
		if r.month == month {
			w.skipped[r.place.Record()] = true
		}
		return r.month == month
	})
	t.window = slices.DeleteFunc(t.window, func(token string) bool { return token[:4] == fmt.Sprint(month) })
	w.reach("a month was dropped")
	w.note("month %d is dropped", month)
}

// late notes that a joint block came after its sink's generation, and whether the table took any of it.
func (m *member) late(blocks int, taken bool, err error) {
	if blocks < 2 || m.generation == m.w.generation {
		return
	}
	m.w.reach("a joint block landed late")
	if err == nil && !taken {
		m.w.reach("a fence kept a joint block out")
	}
}
