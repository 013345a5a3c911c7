package load

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// fixed is a table of one partition's rows, of which those from the middle on are of the month after.
type fixed struct {
	table
	partition int32
}

func (fixed) Len() int               { return 4 }
func (fixed) Table() string          { return "events" }
func (fixed) Month(i int) int        { return i / 2 }
func (f fixed) Span() rows.Span      { return rows.Span{Partitions: [2]int32{f.partition, f.partition}} }
func (f fixed) SortingKey(i int) any { return f.Position(i) }
func (f fixed) Position(i int) rows.Position {
	return rows.Position{Partition: f.partition, Offset: int64(i)}
}

// A landing is a table that has rows from some question on.
type landing struct {
	holdings
	asked int
	since map[rows.Position]int // the first question whose answer has the row
}

func (l *landing) Held(_ context.Context, _ string, span rows.Span) (there []rows.Held, err error) {
	l.asked++
	for place, since := range l.since {
		if place.Partition == span.Partitions[0] && l.asked >= since {
			there = append(there, rows.Held{Position: place, Block: 10 + int64(place.Partition)})
		}
	}
	return there, nil
}

// A block that lands while its partitions are asked for one after the other is not taken for a part of one.
func TestMuster(t *testing.T) {
	batches := []*batch{{rows: fixed{partition: 0}}, {rows: fixed{partition: 1}}}
	month := func(since, m int, of ...int) map[rows.Position]int {
		landed := make(map[rows.Position]int)
		for _, partition := range of {
			for i := 2 * m; i < 2*m+2; i++ {
				landed[rows.Position{Partition: int32(partition), Offset: int64(i)}] = since
			}
		}
		return landed
	}
	for name, c := range map[string]struct {
		landed []map[rows.Position]int
		torn   []int
		had    int
		lacks  []bool
		asked  int
		block  int64 // the first of the inserts that brought them: 10 of partition 0's, 11 of partition 1's
	}{
		"nothing is there":                             {nil, nil, 0, []bool{true, true}, 2, math.MaxInt64},
		"one month is there":                           {[]map[rows.Position]int{month(0, 0, 0, 1)}, nil, 4, []bool{true, true}, 2, 10},
		"all of it is there":                           {[]map[rows.Position]int{month(0, 0, 0, 1), month(0, 1, 0, 1)}, nil, 8, []bool{false, false}, 2, 10},
		"it lands between two answers":                 {[]map[rows.Position]int{month(2, 0, 0, 1), month(2, 1, 0, 1)}, nil, 8, []bool{false, false}, 4, 10},
		"one month lands, and then the other":          {[]map[rows.Position]int{month(2, 0, 0, 1), month(4, 1, 0, 1)}, nil, 8, []bool{false, false}, 6, 10},
		"one partition's rows are there by themselves": {[]map[rows.Position]int{month(0, 0, 1)}, []int{0}, 2, []bool{true, true}, 4, 11},
		"… and the other month lands meanwhile":        {[]map[rows.Position]int{month(0, 0, 1), month(4, 1, 0, 1)}, []int{0}, 6, []bool{true, false}, 6, 10},
	} {
		t.Run(name, func(t *testing.T) {
			l := &landing{since: make(map[rows.Position]int)}
			for _, landed := range c.landed {
				for place, since := range landed {
					l.since[place] = since
				}
			}
			m, err := (&readback{table: l}).muster(t.Context(), batches)
			if err != nil {
				t.Fatal(err)
			}
			had := 0
			for _, n := range m.had {
				had += n
			}
			if !slices.Equal(m.torn(), c.torn) || had != c.had || !slices.Equal(m.lacks, c.lacks) || l.asked != c.asked || m.block != c.block {
				t.Errorf("%d rows are there, torn %v, lacking %v, after %d questions, since block %d; want %d, %v, %v, %d, %d", had, m.torn(), m.lacks, l.asked, m.block,
					c.had, c.torn, c.lacks, c.asked, c.block)
			}
		})
	}
}
