package dataset

import (
	"fmt"
	"time"
)

// begun is a new interaction with an item: what its events have in common.
func (v *visit) begun(it item) func(change func(e *Event)) func(e *Event) {
	id := fmt.Sprintf("%d-%s-%s", v.at.UnixMilli(), it.id, newID(v.rng))
	v.who.plays[it.id]++
	iteration := v.who.plays[it.id]
	trigger := []string{"launcher", "menu", "autoplay", "url", ""}[v.rng.IntN(5)]
	return func(change func(e *Event)) func(e *Event) {
		return func(e *Event) {
			e.Interaction, e.Iteration, e.Trigger, e.StepCount = id, iteration, trigger, uint32(len(it.steps))
			if change != nil {
				change(e)
			}
		}
	}
}

// play plays a walk-thru in one of the ways in which they go.
func (v *visit) play(it item) {
	with := v.begun(it)
	switch v.rng.IntN(24) {
	case 0: // it fails, with or without having begun
		if v.rng.IntN(2) == 0 {
			v.emit("walkthru", "play", it, with(nil))
		}
		v.fail(it, with)
		if v.rng.IntN(4) == 0 {
			v.fail(it, with) // again, for another reason perhaps
		}
	case 1: // the play itself was lost
		v.walk(it, with)
	case 2: // completed by a clock that was set back: before it began
		started := v.at
		v.emit("walkthru", "play", it, with(nil))
		v.at = started.Add(-3 * time.Second)
		v.emit("walkthru", "complete", it, with(nil))
		v.at = started.Add(10 * time.Second)
	case 3: // a client that names no interaction
		with = func(change func(e *Event)) func(e *Event) { return change }
		v.emit("walkthru", "play", it, nil)
		v.walk(it, with)
	case 4: // two tabs at once
		other := v.begun(it)
		v.emit("walkthru", "play", it, with(nil))
		v.emit("walkthru", "play", it, other(nil))
		for i := range it.steps {
			v.step(it, i, with)
			v.step(it, i, other)
		}
		v.emit("walkthru", "complete", it, other(nil))
	case 5: // across midnight, whatever the time is
		if left := v.at.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(v.at); left < 20*time.Minute {
			v.emit("walkthru", "play", it, with(nil))
			v.step(it, 0, with)
			v.at = v.at.Add(left)
			v.walk(it, with)
			return
		}
		fallthrough
	case 6: // somebody logs in in the middle
		v.emit("walkthru", "play", it, with(nil))
		v.step(it, 0, with)
		if v.who.user != "" && v.user == "" {
			v.login(v.who.user)
		}
		v.walk(it, with)
	default:
		v.emit("walkthru", "play", it, with(nil))
		v.walk(it, with)
	}
}

func (v *visit) fail(it item, with func(func(e *Event)) func(e *Event)) {
	v.emit("walkthru", "play_failed", it, with(func(e *Event) {
		e.FailureReason = []string{"element_not_found", "timed_out", "condition", ""}[v.rng.IntN(4)]
		e.Detail = `{"error":{"code":"` + e.FailureReason + `"}}`
	}))
}

// walk goes through steps, from any entry, sometimes back, and to one of the ends.
func (v *visit) walk(it item, with func(func(e *Event)) func(e *Event)) {
	entry, last := 0, len(it.steps)-1
	switch v.rng.IntN(8) {
	case 0:
		entry = v.rng.IntN(len(it.steps))
	case 1:
		v.unplaced(it, with)
	}
	if v.rng.IntN(3) == 0 {
		last = entry + v.rng.IntN(len(it.steps)-entry)
	}
	for i := entry; i <= last; i++ {
		v.step(it, i, with)
		switch {
		case i > 0 && v.rng.IntN(10) == 0: // back, and forth again
			v.step(it, i-1, with)
			v.step(it, i, with)
		case i < last && v.rng.IntN(20) == 0: // two steps in one millisecond
			v.at = v.events[len(v.events)-1].Time
		case i < last && v.rng.IntN(20) == 0: // one is left out
			i++
		case v.rng.IntN(60) == 0:
			v.wait(time.Minute, 3*time.Hour)
		}
	}
	if v.rng.IntN(4) == 0 {
		v.emit("walkthru", "milestone", it, with(func(e *Event) { e.Detail = `{"goal":{"id":7,"name":"Form opened","main":false}}` }))
	}
	if v.rng.IntN(4) == 0 {
		goal := with(func(e *Event) { e.Detail = `{"goal":{"id":8,"name":"Signed in","main":true}}` })
		if v.rng.IntN(8) == 0 { // reached later, on a page that knows of no play
			v.wait(time.Minute, 26*time.Hour)
			goal = func(e *Event) { e.Detail = `{"goal":{"id":8,"name":"Signed in","main":true}}` }
		}
		v.emit("walkthru", "goal", it, goal)
	}
	switch {
	case it.name == "Never completed":
	case last == len(it.steps)-1 || v.rng.IntN(10) == 0:
		v.emit("walkthru", "complete", it, with(nil))
		if v.rng.IntN(30) == 0 {
			v.emit("walkthru", "complete", it, with(nil)) // told twice
		}
	case v.rng.IntN(2) == 0:
		v.emit("walkthru", "stop", it, with(func(e *Event) {
			e.DismissReason = []string{"closed", "clicked_away", "navigated"}[v.rng.IntN(3)]
		}))
	}
}

func (v *visit) step(it item, i int, with func(func(e *Event)) func(e *Event)) {
	v.emit("walkthru", "step", it, with(func(e *Event) { e.StepIndex, e.StepName = int32(i), it.steps[i] }))
}

// unplaced is a step whose place the client does not tell.
func (v *visit) unplaced(it item, with func(func(e *Event)) func(e *Event)) {
	v.emit("walkthru", "step", it, with(func(e *Event) { e.StepName = "A branch" }))
}

// autoplay is a rule that plays an item, or does not since it was played.
func (v *visit) autoplay() {
	rule := item{id: "rule-1", name: "On the first visit"}
	with := v.begun(rule)
	v.emit("autoplay", []string{"play", "already_played"}[v.rng.IntN(2)], rule, with(nil))
}

func (v *visit) menu() {
	v.emit("menu", "open", item{}, nil)
	v.emit("menu", "close", item{}, nil)
}

func (v *visit) launcher(it item) {
	v.emit("launcher", "show", it, nil)
	if v.rng.IntN(3) == 0 {
		v.emit("launcher", "click", it, nil)
	}
}

func (v *visit) shoutout(it item) {
	with := v.begun(it)
	v.emit("shoutout", "show", it, with(nil))
	switch v.rng.IntN(5) {
	case 0:
		v.emit("shoutout", "click", it, with(nil))
	case 1:
		v.emit("shoutout", "action", it, with(func(e *Event) { e.Detail = `{"action":{"id":"more","name":"More"}}` }))
		v.emit("shoutout", "close", it, with(func(e *Event) { e.DismissReason = "closed" }))
	case 2:
		v.emit("shoutout", "close", it, with(func(e *Event) { e.DismissReason = "closed" }))
	case 3:
		v.emit("shoutout", "snooze", it, with(func(e *Event) { e.DismissReason = "snoozed" }))
	}
}

func (v *visit) smarttip(it item) {
	v.emit("smarttip", "show", it, nil)
	for _, name := range []string{"interact", "validation_fail", "validation_pass"} {
		if v.rng.IntN(3) == 0 {
			v.emit("smarttip", name, it, nil)
		}
	}
}

func (v *visit) resource(it item) { v.emit("resource", "open", it, v.begun(it)(nil)) }

// task is clicked, completed, or both, in either order.
func (v *visit) task(it item) {
	switch v.rng.IntN(5) {
	case 0, 1:
		v.emit("task", "click", it, nil)
	case 2:
		v.emit("task", "complete", it, nil)
	case 3:
		v.emit("task", "click", it, nil)
		v.emit("task", "complete", it, nil)
	case 4:
		v.emit("task", "complete", it, nil)
		v.emit("task", "click", it, nil)
	}
}
