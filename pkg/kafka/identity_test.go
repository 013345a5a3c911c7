package kafka

import (
	"math"
	"testing"
)

// KIP-98: "the sequence number wraps around to 0 after 2^31-1".
func TestSequencesWrap(t *testing.T) {
	for _, c := range []struct{ from, records, want int32 }{
		{0, 1, 1},
		{math.MaxInt32 - 5, 5, math.MaxInt32},
		{math.MaxInt32, 1, 0},
		{math.MaxInt32 - 1, 10, 8},
		{math.MaxInt32, math.MaxInt32, math.MaxInt32 - 1},
	} {
		i := identity{id: 1, next: c.from}
		if i.advance(c.records); i.next != c.want {
			t.Errorf("%d records from %d end before %d, not %d", c.records, c.from, i.next, c.want)
		}
	}
	i := unnumbered
	if i.advance(1); i != unnumbered {
		t.Errorf("a batch without numbers moved to %+v", i)
	}
}

func TestARestartNeverRepeatsANumber(t *testing.T) {
	i := identity{id: 7, epoch: 3, next: 40}
	if i.restart(); i != (identity{id: 7, epoch: 4}) {
		t.Errorf("the next epoch is %+v", i)
	}
	i.epoch = math.MaxInt16
	if i.restart(); i.id != none {
		t.Errorf("after the last epoch comes %+v, not a new id", i)
	}
	i = unnumbered
	if i.restart(); i != unnumbered {
		t.Errorf("a batch without numbers became %+v", i)
	}
}
