package dataset

import (
	"fmt"
	"time"
)

// course is opened, and goes on to some lessons, a quiz and its end, or begins with any of them.
func (v *visit) course(it item) {
	with := v.begun(it)
	if v.rng.IntN(10) > 0 {
		v.emit("course", "open", it, with(nil))
	}
	for n, name := range it.steps {
		lesson := func(e *Event) { e.Detail = fmt.Sprintf(`{"lesson":{"id":%d,"name":%q}}`, n+1, name) }
		if n%2 == 1 {
			lesson = func(e *Event) { e.Detail = fmt.Sprintf(`{"lesson":{"id":"lesson-%d","name":%q}}`, n+1, name) }
		}
		if v.rng.IntN(4) == 0 {
			continue
		}
		if v.rng.IntN(10) > 0 {
			v.emit("course", "lesson_start", it, with(lesson))
		}
		if v.rng.IntN(3) > 0 {
			v.wait(time.Second, 4*time.Minute)
			v.emit("course", "lesson_complete", it, with(lesson))
		}
	}
	for n := v.rng.IntN(3); n > 0; n-- {
		v.quiz(it, with)
	}
	if v.rng.IntN(3) == 0 {
		v.emit("course", "complete", it, with(nil))
	}
}

// quiz is submitted with a score, or with what is none.
func (v *visit) quiz(it item, with func(func(e *Event)) func(e *Event)) {
	id := []string{`"q1"`, `2`}[v.rng.IntN(2)]
	v.emit("course", "quiz_start", it, with(func(e *Event) { e.Detail = fmt.Sprintf(`{"quiz":{"id":%s}}`, id) }))
	if v.rng.IntN(6) == 0 {
		return
	}
	score := v.rng.IntN(101)
	text := fmt.Sprintf(`"score":%.2f,"passed":%t`, float64(score)/100, score >= 60)
	switch v.rng.IntN(20) {
	case 0:
		text = `"score":1,"passed":true`
	case 1:
		text = `"score":"nan","passed":"yes"`
	case 2:
		text = `"score":null`
	case 3:
		text = `"passed":true`
	}
	v.emit("course", "quiz_submit", it, with(func(e *Event) { e.Detail = fmt.Sprintf(`{"quiz":{"id":%s,%s}}`, id, text) }))
}

// survey is shown, and answered with a number, texts and lists, dismissed, or left.
func (v *visit) survey(it item) {
	with := v.begun(it)
	v.emit("survey", "show", it, with(nil))
	switch v.rng.IntN(4) {
	case 0:
		v.emit("survey", "dismiss", it, with(func(e *Event) { e.DismissReason = "closed" }))
	case 1, 2:
		grade := []string{"0", "3", "6", "6.5", "7", "8", "9", "10", "10", "9", "11", "-1", `"9"`, `"4"`, `"don't know"`, "null", "true"}[v.rng.IntN(17)]
		missing := []string{`"Nothing"`, `"A \"dark\" theme"`, `""`, `["Speed","Price"]`, `["Speed","Speed"]`, `[]`, `"日本語"`, `{"other":"x"}`}[v.rng.IntN(8)]
		answers := fmt.Sprintf(`[{"question":"How easy was it?","answer":%s},{"question":"What was missing?","answer":%s}]`, grade, missing)
		switch v.rng.IntN(25) {
		case 0:
			answers = `[]`
		case 1:
			answers = `[{"question":17,"answer":5},{"answer":"to no question"},"no object"]`
		case 2:
			answers = `[{"question":"How easy was it?","answer":2},{"question":"How easy was it?","answer":10}]`
		}
		v.emit("survey", "submit", it, with(func(e *Event) { e.Detail = `{"answers":` + answers + `}` }))
	}
}

// search finds something, nothing, or is not told to.
func (v *visit) search() {
	n := v.rng.IntN(len(v.queries))
	result := `,"result":{"type":"wt","id":101,"name":"Log in"}`
	switch {
	case v.rng.IntN(10) == 0:
		result = "" // nothing was chosen
	case n%2 == 1 || v.rng.IntN(10) == 0:
		result = `,"result":null`
	}
	v.emit("search", "open", item{}, nil)
	v.emit("search", "search", item{}, func(e *Event) { e.Detail = fmt.Sprintf(`{"query":%q%s}`, v.queries[n], result) })
	v.emit("search", "close", item{}, nil)
}
