package attack

import (
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local/rigs/child"
)

func quiet(ms int) *traffic {
	t := &traffic{failed: make(map[string]int)}
	for range 2000 {
		t.took = append(t.took, time.Duration(ms)*time.Millisecond)
		t.control = append(t.control, time.Millisecond)
	}
	return t
}

func good() *report {
	return &report{before: quiet(10), during: quiet(110), after: child.Usage{Peak: 100 << 20}, seen: []outcome{{Name: "a", Tries: 1, Answers: map[string]int{"401": 1}}}}
}

// The rig must be able to fail for each reason that it is for.
func TestTheVerdictFailsForEachReason(t *testing.T) {
	if err := good().judge(); err != nil {
		t.Fatal(err)
	}
	for says, spoil := range map[string]func(*report){
		"MiB, more than":                       func(r *report) { r.after.Peak = memoryLimit() + 1 },
		"honest clients waited":                func(r *report) { r.during = quiet(121) },
		"during the attack 3 of 2000":          func(r *report) { r.during.failed["503 Service Unavailable"] = 3 },
		"before the attack 3 of 2000":          func(r *report) { r.before.failed["no answer"] = 3 },
		"broke the edge's handling":            func(r *report) { r.panics = 1 },
		`the attack "a" was never made`:        func(r *report) { r.seen[0].Tries = 0 },
		`the attack "a" was answered 500, 1 t`: func(r *report) { r.seen[0].Answers["500"] = 1 },
	} {
		r := good()
		if spoil(r); r.judge() == nil || !strings.Contains(r.judge().Error(), says) {
			t.Errorf("%s: %v", says, r.judge())
		}
	}
}

// What the machine makes everybody wait is not the edge's.
func TestASlowMachineIsNotHeldAgainstTheEdge(t *testing.T) {
	r := good()
	r.quiet = child.Usage{CPU: time.Second}
	r.after = child.Usage{CPU: 2 * time.Second, Waited: time.Second} // twice as long, during the attack
	if r.during = quiet(240); r.judge() != nil {                     // 2 × (2 × 10 + 100)
		t.Error(r.judge())
	}
	if r.during = quiet(241); r.judge() == nil {
		t.Error("more than that is not noticed")
	}
	if r.after.Waited += time.Millisecond; r.judge() != nil {
		t.Errorf("a machine that had no core for the edge is held against it: %v", r.judge())
	}
}
