package sink

import (
	"slices"
	"syscall"
	"testing"

	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// Two sinks believe that they own one partition: one recorded its intent and was stopped past its session; the other took over and
// stored the batch; and ClickHouse has forgotten the token when the first one goes on.
func TestASinkStoppedPastItsSessionNeitherInsertsNorCommits(t *testing.T) {
	h := newHouse(t, 1)
	h.send(0, h.some(30)...)
	first := h.spawn(orders{At: "intended", Nth: 1, Signal: syscall.SIGSTOP})
	first.stopped()
	s := h.start()
	kafkatest.Wait(t, h.holds(30), "30 rows by the second sink")
	h.send(0, h.some(10)...)
	kafkatest.Wait(t, h.holds(40), "10 rows more")
	kafkatest.Wait(t, h.settled(40), "their offset")
	h.forget()
	before := len(first.taken())
	first.goOn()
	kafkatest.Wait(t, func() bool { return len(first.taken()) > before }, "the first sink to go on")
	// The second leaves, so that the first is given the partition again, and shows that it is done with what it had.
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	h.send(0, h.some(5)...)
	kafkatest.Wait(t, h.ours(45), "5 rows by the first sink")
	first.end()
	if !h.ours(45)() || !h.settled(45)() {
		t.Error("rows or offset are not as they were")
	}
	steps := first.taken()[before:]
	if i, j := slices.Index(steps, "inserting"), slices.Index(steps, "formed"); i < j || slices.Contains(steps, "replaying") {
		t.Errorf("it went on with %v, want no insert before a new batch", steps)
	}
}
