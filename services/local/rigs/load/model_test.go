package load

import (
	"math"
	"strings"
	"testing"
)

// A role that takes a tenth of a core and 20 s a million events is found out from two rates, and so is what it takes of a day.
func TestAModelIsFoundFromTwoRates(t *testing.T) {
	at := func(rate, seconds float64) Stage {
		events := rate * seconds
		return Stage{Events: int(events), Seconds: seconds - 1, Rest: 1, Costs: Costs{"sink": {Processes: 1, CPU: 0.1*seconds + 20*events/1e6}}}
	}
	m := fit(at(2_000, 30), at(10_000, 40), "sink")
	if math.Abs(m.Idle-0.1) > 1e-9 || math.Abs(m.Event-20) > 1e-9 {
		t.Errorf("%+v", m)
	}
	if got, want := m.over(60, 180_000), 6+3.6; math.Abs(got-want) > 1e-9 {
		t.Errorf("a day takes %g, want %g", got, want)
	}
}

func TestTheDayIsSetBesideTheModel(t *testing.T) {
	stage := func(events int, cpu float64) []Stage {
		return []Stage{{Events: events, Seconds: 30, Costs: Costs{"edge": {Processes: 1, CPU: cpu}}}}
	}
	r := Report{Measurements: []Measurement{
		{Case: "trickle-2000/p16/s1", Stages: stage(60_000, 3+1.2)}, {Case: "trickle-10000/p16/s1", Stages: stage(300_000, 3+6)},
		{Case: Case{day, dayRate, 16, 1}.Name(), Stages: stage(90_000, 9.6)},
	}}
	var out strings.Builder
	r.models(&out)
	if want := "| edge | 0.100 | 20.0 | 4.8 | 9.6 | 2.00 |"; !strings.Contains(out.String(), want) {
		t.Errorf("want %s in\n%s", want, &out)
	}
	out.Reset()
	r.Measurements = r.Measurements[1:]
	if r.models(&out); out.Len() > 0 {
		t.Errorf("a model of one rate: %s", &out)
	}
}

func TestAStageIsStarvedAsFarAsItsThreadsHadNoCore(t *testing.T) {
	if got := (Costs{"edge": {CPU: 1, Waited: 2}, "sink": {CPU: 1, Waited: 4}}).starved(); got != 75 {
		t.Errorf("%g percent, want 75", got)
	}
}
