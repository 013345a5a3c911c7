package dataset

import (
	"reflect"
	"testing"
)

func TestTheSetOfASeedIsAlwaysTheSame(t *testing.T) {
	one, again, other := New(1), New(1), New(2)
	if len(one.Blocks) != len(again.Blocks) {
		t.Fatalf("one has %d blocks, again %d", len(one.Blocks), len(again.Blocks))
	}
	// Whatever differs on the way changes all that is drawn later.
	last := len(one.Blocks) - 1
	if !reflect.DeepEqual(one.Blocks[last], again.Blocks[last]) || !reflect.DeepEqual(one.Dead, again.Dead) || !reflect.DeepEqual(one.Erased, again.Erased) {
		t.Error("two sets of one seed differ")
	}
	if reflect.DeepEqual(one.Erased, other.Erased) {
		t.Error("sets of two seeds are the same")
	}
	if n := len(one.Final()); n < 200_000 || len(one.Stored()) <= n {
		t.Errorf("%d rows are stored and %d are final", len(one.Stored()), n)
	}
}
