package demo

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/recorder"
)

// task does one onboarding task that is still open: by its walk-thru, or without any click in the task list.
func (v *visit) task() {
	i := v.rng.IntN(len(v.app.tasks))
	if v.who.tasks&(1<<i) != 0 {
		v.menu()
		return
	}
	data := plain("tk", v.app.tasks[i])
	done := true
	if v.chance(0.7) {
		v.wait(3 * time.Second)
		v.emit("click", data)
		done = v.walkthru(&v.app.walkthrus[i], "task")
	}
	if done {
		v.wait(2 * time.Second)
		v.emit("complete", data)
		v.who.tasks |= 1 << i
	}
}

func (v *visit) survey() {
	s := &v.app.survey
	v.wait(2 * time.Second)
	data := v.play("sv", s.item)
	v.emit("show", data)
	v.wait(12 * time.Second)
	switch at := v.rng.Float64(); {
	case at < 0.45:
		score := min(10, max(0, int(8+2*v.rng.NormFloat64())))
		answers := jsontext.Value{'['}
		for i, question := range s.questions {
			if i == 0 {
				answers = append(answers, object("question", question, "answer", score)...)
				continue
			}
			answers = append(answers, ',')
			answers = append(answers, object("question", question, "answer", pick(v.rng, s.remarks))...)
		}
		data.Answers = append(answers, ']')
		v.emit("submit", data)
	case at < 0.85:
		v.emit("dismiss", data)
	}
}

// course goes on where the visitor left it: a lesson or two, after the last lesson the quiz, and completion when it is passed.
func (v *visit) course() {
	c := &v.app.course
	v.wait(3 * time.Second)
	data := v.play("cr", c.item)
	v.emit("open", data)
	for n := 1 + v.rng.IntN(2); n > 0 && v.who.lessons < len(c.lessons); n-- {
		lesson := data
		lesson.Lesson = object("id", v.who.lessons+1, "name", c.lessons[v.who.lessons])
		v.wait(2 * time.Second)
		v.emit("lesson_start", lesson)
		v.wait(70 * time.Second)
		if v.chance(0.15) {
			return
		}
		v.emit("lesson_complete", lesson)
		v.who.lessons++
	}
	if v.who.lessons < len(c.lessons) {
		return
	}
	v.wait(4 * time.Second)
	quiz := data
	quiz.Quiz = object("id", "q"+c.id)
	v.emit("quiz_start", quiz)
	v.wait(40 * time.Second)
	score := min(1, max(0, 0.8+0.18*v.rng.NormFloat64()))
	quiz.Quiz = object("id", "q"+c.id, "score", score, "passed", score >= 0.7)
	v.emit("quiz_submit", quiz)
	if score >= 0.7 {
		v.emit("complete", data)
		v.who.lessons = 0 // a course is refreshed each year; here, on the next visits
	}
}

func (v *visit) resource() {
	v.wait(3 * time.Second)
	v.emit("open", plain("rs", pick(v.rng, v.app.resources)))
}

func (v *visit) menu() {
	v.wait(2 * time.Second)
	v.emit("open", plain("mn", v.app.menu))
	v.wait(4 * time.Second)
	if v.chance(0.3) {
		v.walkthru(v.pickWalkthru(), "menu")
		return
	}
	v.emit("close", plain("mn", v.app.menu))
}

// search looks for help; some of what is looked for does not exist.
func (v *visit) search() {
	v.wait(2 * time.Second)
	v.emit("open", recorder.Data{Type: "sr"})
	v.wait(5 * time.Second)
	s := pick(v.rng, v.app.searches)
	data := recorder.Data{Type: "sr", Query: quote(s.query), Result: jsontext.Value("null")}
	if s.target.id != "" {
		data.Result = object("type", "wt", "id", s.target.id, "name", s.target.name)
	}
	v.emit("search", data)
	if s.target.id != "" && v.chance(0.6) {
		for i := range v.app.walkthrus {
			if v.app.walkthrus[i].id == s.target.id {
				v.walkthru(&v.app.walkthrus[i], "search")
			}
		}
		return
	}
	v.wait(3 * time.Second)
	v.emit("close", recorder.Data{Type: "sr"})
}

// order is the application's own event, with properties of its own.
func (v *visit) order() {
	v.wait(9 * time.Second)
	cents := 500 + v.rng.IntN(30_000)
	v.emitProps("track", recorder.Data{Type: "custom", Event: quote(v.app.orders)},
		object("value", float64(cents)/100, "currency", v.who.place.currency, "app", v.app.name, "gift", v.chance(0.1)))
}

// object renders a JSON object of names and values: strings, whole numbers, fractions and booleans.
func object(members ...any) jsontext.Value {
	out := jsontext.Value{'{'}
	for i := 0; i+1 < len(members); i += 2 {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, quote(members[i].(string))...)
		out = append(out, ':')
		switch value := members[i+1].(type) {
		case string:
			out = append(out, quote(value)...)
		case int:
			out = strconv.AppendInt(out, int64(value), 10)
		case float64:
			out = strconv.AppendFloat(out, value, 'f', 2, 64)
		case bool:
			out = strconv.AppendBool(out, value)
		}
	}
	return append(out, '}')
}

func quote(text string) jsontext.Value {
	out, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return jsontext.Value(`""`) // only for text that is not UTF-8
	}
	return out
}
