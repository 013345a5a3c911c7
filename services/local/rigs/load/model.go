package load

import (
	"fmt"
	"io"
)

// A Model of one role's CPU: what it takes while nothing comes, and what an event adds.
type Model struct {
	// Idle is CPU seconds a second, Event CPU seconds a million events.
	Idle, Event float64
}

// modelled are the roles whose cost a model tells: the sender's is its clients'.
var modelled = roles[1:]

// fit solves idle·t + event·n = CPU for two windows of different rates.
func fit(a, b Stage, role string) Model {
	ta, tb := a.Seconds+a.Rest, b.Seconds+b.Rest
	na, nb := float64(a.Events)/1e6, float64(b.Events)/1e6
	ca, cb := a.Costs[role].CPU, b.Costs[role].CPU
	event := (cb*ta - ca*tb) / (nb*ta - na*tb)
	return Model{Idle: (ca - event*na) / ta, Event: event}
}

// over is the CPU, in seconds, of a time in seconds and a number of events.
func (m Model) over(seconds float64, events int) float64 {
	return m.Idle*seconds + m.Event*float64(events)/1e6
}

// models fits a model to two rates of the same arrangement, and sets what it says of a day beside what the day in miniature took. It prints nothing
// where the report lacks one of the three.
func (r Report) models(out io.Writer) {
	slow, fast, whole := r.find(Case{trickle, 2_000, 16, 1}), r.find(Case{trickle, 10_000, 16, 1}), r.find(Case{day, dayRate, 16, 1})
	if slow == nil || fast == nil {
		return
	}
	fmt.Fprint(out, "\nThe cost model, from both rates at 16 partitions: CPU = idle · seconds + event · events.\n\n")
	row(out, "role", "idle, CPU s/s", "CPU s/M events", "day in miniature: said", "measured", "measured / said")
	align(out, 1, 5)
	var said, measured float64
	for _, role := range modelled {
		m := fit(*slow, *fast, role)
		cells := []string{role, fmt.Sprintf("%.3f", m.Idle), fmt.Sprintf("%.1f", m.Event)}
		if whole != nil {
			says, took := m.over(whole.Seconds+whole.Rest, whole.Events), whole.Costs[role].CPU
			said, measured = said+says, measured+took
			cells = append(cells, compared(says, took)...)
		} else {
			cells = append(cells, "–", "–", "–")
		}
		row(out, cells...)
	}
	if whole != nil {
		row(out, append([]string{"all", "", ""}, compared(said, measured)...)...)
	}
}

func compared(said, measured float64) []string {
	return []string{fmt.Sprintf("%.1f", said), fmt.Sprintf("%.1f", measured), fmt.Sprintf("%.2f", measured/said)}
}

// find is the stage of a case through which everything went, or nil.
func (r Report) find(c Case) *Stage {
	for _, m := range r.Measurements {
		if m.Case == c.Name() && len(m.Stages) > 0 {
			return &m.Stages[0]
		}
	}
	return nil
}
