package chaos

import (
	"errors"
	"testing"

	"go.uber.org/zap"
)

func TestASinkMayStopItselfOnlyForAFaultThatIsOn(t *testing.T) {
	const stopped = " (stopped; nothing is lost, a restart goes on from here)"
	on := &tolerance{says: []string{"chaos_1_view"}}
	for name, c := range map[string]struct {
		tolerated  *tolerance
		kind, says string
		deaths     int
	}{
		"for the view that throws": {on, "sink", "the materialized view waymark_us.chaos_1_view refuses rows" + stopped, 0},
		"for another reason":       {on, "sink", "table events is missing" + stopped, 1},
		"without its last words":   {on, "sink", "panic: the materialized view waymark_us.chaos_1_view", 1},
		"another service":          {on, "enricher", "chaos_1_view" + stopped, 1},
		"while no fault is on":     {nil, "sink", "the materialized view waymark_us.chaos_1_view refuses rows" + stopped, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{log: zap.NewNop(), tolerated: c.tolerated}
			w.ended(&member{kind: c.kind}, errors.New(c.says))
			if len(w.deaths) != c.deaths {
				t.Errorf("%d ends that nobody caused, want %d", len(w.deaths), c.deaths)
			}
		})
	}
}
