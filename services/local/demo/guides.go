package demo

import (
	"strconv"
	"time"

	"github.com/waymark-events/waymark/pkg/recorder"
)

func (v *visit) pickWalkthru() *walkthru { return &v.app.walkthrus[v.rng.IntN(len(v.app.walkthrus))] }

// walkthru plays a walk-thru: steps with drop-off, then the goal, or the visitor stops, or just leaves it. It tells whether
// the goal was reached.
func (v *visit) walkthru(w *walkthru, init string) bool {
	v.wait(4 * time.Second)
	data := v.play("wt", w.item)
	first := data
	first.Init = object("type", init)
	v.emit("play", first)
	if v.chance(0.03) {
		v.wait(time.Second)
		failed := data
		failed.Error = object("code", "element_not_found", "message", "The first step's element is not on the page")
		v.emit("play_failed", failed)
		return false
	}
	begin := 0
	if v.chance(0.06) { // started on a page where the first step is done already
		begin = 1
	}
	for i := begin; i < len(w.steps); i++ {
		v.wait(5 * time.Second)
		step := data
		index := int32(i)
		step.Step = recorder.Step{ID: recorder.ID("s" + strconv.Itoa(i+1)), Index: &index, Count: uint32(len(w.steps)), Name: w.steps[i]}
		v.emit("step", step)
		if i == len(w.steps)/2 {
			milestone := data
			milestone.Goal = object("id", w.id+"-m", "name", w.milestone, "main", false)
			v.emit("milestone", milestone)
		}
		if v.chance(0.09) {
			v.wait(3 * time.Second)
			if v.chance(0.6) {
				step.DismissReason = pick(v.rng, []string{"closed", "clicked_away", "navigated"})
				v.emit("stop", step)
			}
			return false
		}
	}
	v.wait(4 * time.Second)
	reached := v.chance(0.9)
	if reached {
		goal := data
		goal.Goal = object("id", w.id+"-g", "name", w.goal, "main", true)
		v.emit("goal", goal)
	}
	v.emit("complete", data)
	return reached
}

// autoplay starts the application's first walk-thru on a first visit.
func (v *visit) autoplay() {
	w := &v.app.walkthrus[0]
	v.wait(2 * time.Second)
	v.emit("play", ruled(w))
	v.walkthru(w, "autoplay")
}

func (v *visit) alreadyPlayed() {
	v.wait(2 * time.Second)
	v.emit("already_played", ruled(&v.app.walkthrus[0]))
}

func ruled(w *walkthru) recorder.Data {
	return recorder.Data{Type: "ap", ID: recorder.ID(w.id), Name: w.name, Rule: object("id", w.rule.id, "name", w.rule.name)}
}

func (v *visit) launcher() {
	it := pick(v.rng, v.app.launchers)
	v.wait(3 * time.Second)
	v.emit("show", plain("ln", it))
	if v.chance(0.35) {
		v.wait(4 * time.Second)
		v.emit("click", plain("ln", it))
		v.walkthru(v.pickWalkthru(), "launcher")
	}
}

func (v *visit) shoutout() {
	it := pick(v.rng, v.app.shoutouts)
	v.wait(2 * time.Second)
	data := v.play("so", it)
	v.emit("show", data)
	v.wait(5 * time.Second)
	switch at := v.rng.Float64(); {
	case at < 0.25:
		v.emit("click", data)
		v.wait(2 * time.Second)
		data.Action = object("id", "a1", "name", "Show me")
		v.emit("action", data)
	case at < 0.75:
		data.DismissReason = "closed"
		v.emit("close", data)
	case at < 0.9:
		data.DismissReason = "snoozed"
		v.emit("snooze", data)
	}
}

// smarttip is a tip beside a form's field: shown, used, and for fields with a rule, valid or not at first and valid later.
func (v *visit) smarttip() {
	it := pick(v.rng, v.app.smarttips)
	v.wait(3 * time.Second)
	v.emit("show", plain("st", it))
	if !v.chance(0.6) {
		return
	}
	v.wait(3 * time.Second)
	v.emit("interact", plain("st", it))
	for v.chance(0.3) {
		v.wait(4 * time.Second)
		v.emit("validation_fail", plain("st", it))
	}
	v.wait(5 * time.Second)
	v.emit("validation_pass", plain("st", it))
}

func plain(kind string, it item) recorder.Data {
	return recorder.Data{Type: kind, ID: recorder.ID(it.id), Name: it.name}
}
