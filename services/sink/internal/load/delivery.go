package load

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
)

// A delivery is a batch on its way into its table: what was done with it so far.
type delivery struct {
	batch *batch
	// replayed says that the batch is an open intent's, halved what checkpoint.Sink's Halved says.
	replayed, halved bool
	// joint is what the batch's open intent says it is inserted together with; nil when it is alone.
	joint *checkpoint.Joint
	// sent says that this process has sent any piece of it, whole that it sent all of it under one token, when the table had none of it.
	sent, whole bool
	// took is the last piece that the table took from this process.
	took *piece
	// looked is when the table was last asked which of the rows it has; zero before the first try to insert them.
	looked time.Time
	// unread is when the other partitions of the joint batch could first not be read.
	unread time.Time
	// views counts the materialized views of the table, once anybody asked; -1 before.
	views int64
	// unsure says that its views were said to be.
	unsure   bool
	refused  refusals
	withheld withheld
}

func newDelivery(b *batch) *delivery { return &delivery{batch: b, views: -1} }

// A piece is rows that are inserted together, the token they are sent under, and when they were. left counts those left out; entire says that
// it is the whole batch.
type piece struct {
	rows   []int
	left   int
	entire bool
	token  string
	at     time.Time
}

// piece is the rows of [from, to) that are of month, or all of them for month 0, without those that ClickHouse takes nowhere, and those that
// are withheld. Its token names from, to and what is left out, and so, month by month, its rows, but for those withheld.
func (d *delivery) piece(month, from, to int) piece {
	out := piece{rows: make([]int, 0, to-from), token: d.batch.extent.token()}
	if from > 0 || to < d.batch.rows.Len() {
		out.token = fmt.Sprintf("%s/%d-%d", out.token, from, to)
	}
	names := fnv.New64a()
	for i := from; i < to; i++ {
		switch {
		case d.refused.of[i].bad:
			out.left++
			fmt.Fprintln(names, i)
		case d.withheld.rows[i]:
		case month == 0 || d.batch.rows.Month(i) == month:
			out.rows = append(out.rows, i)
		}
	}
	out.entire = month == 0 && from == 0 && to == d.batch.rows.Len() && out.left == 0
	if out.left > 0 {
		out.token = fmt.Sprintf("%s/without-%d-%x", out.token, out.left, names.Sum64())
	}
	return out
}

// columns returns the values of rows, which are in order.
func (b *batch) columns(rows []int) []clickhouse.Column {
	if from, to := rows[0], rows[len(rows)-1]+1; to-from == len(rows) {
		return b.rows.Columns(from, to)
	}
	return b.rows.Choose(rows)
}

// months returns the months of the rows, each once.
func (b *batch) months() (out []int) {
	for i := range b.rows.Len() {
		if m := b.rows.Month(i); !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}
