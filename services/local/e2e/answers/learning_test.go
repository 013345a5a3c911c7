package answers

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

var taskProgress = question{
	view: "task_progress", askedWith: usual(),
	answer: func(h *house, a asked) []Row {
		type task struct {
			named
			clicked, ever, completed crowd
			last                     map[string]named
		}
		tasks := groups[string, task]{}
		for _, row := range h.active(a, dataset.FirstDay.AddDate(0, 0, -30), a.to, "task") {
			t, inSpan := tasks.of(row.item), a.in(row.day)
			if t.clicked == nil {
				t.clicked, t.ever, t.completed, t.last = crowd{}, crowd{}, crowd{}, make(map[string]named)
			}
			t.clicked.add(row.person(), inSpan && row.has("click"))
			t.ever.add(row.person(), row.has("click"))
			t.completed.add(row.person(), inSpan && row.has("complete"))
			t.last[row.person()] = t.last[row.person()].or(row.last(), row.name())
		}
		var rows []Row
		for id, t := range tasks {
			if len(t.clicked)+len(t.completed) == 0 {
				continue
			}
			for who, name := range t.last { // the name is of those who are counted
				if t.clicked[who] || t.completed[who] {
					t.named = t.named.or(name.at, name.name)
				}
			}
			rows = append(rows, Row{
				"item_id": id, "item_name": t.name, "clicked_users": len(t.clicked), "completed_users": len(t.completed),
				"completed_without_click_users": len(t.completed) - t.completed.both(t.ever),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"day <= '{to}'", "day BETWEEN '{from}' AND '{to}'"},
		{"a.completed_at IS NOT NULL AND a.day >= '{from}'", "a.completed_at IS NOT NULL AND a.day > '{from}'"},
		{"if(user_id = '', visitor_id, user_id) AS person", "visitor_id AS person"},
		{"countIf(completed AND NOT ever_clicked)", "countIf(completed) - countIf(clicked AND completed)"},
		{"NOT preview AND", ""},
	},
}

var tasksDone = question{
	view: "tasks_done", askedWith: usual(),
	answer: func(h *house, a asked) []Row {
		tasks := make(map[string]bool)
		done := make(map[string]crowd)
		for _, row := range h.active(a, a.from, a.to, "task") {
			tasks[row.item] = true
			if done[row.person()] == nil {
				done[row.person()] = crowd{}
			}
			done[row.person()].add(row.item, row.has("complete"))
		}
		users := groups[int, int]{}
		for _, of := range done {
			*users.of(len(of))++
		}
		var rows []Row
		for n, count := range users {
			rows = append(rows, Row{"tasks_done": n, "users": *count, "all": n == len(tasks)})
		}
		return rows
	},
	mutations: []mutation{
		{"max(a.completed_at IS NOT NULL) AS done", "count(a.completed_at) AS done"},
		{"SELECT uniqExact(item_id) FROM tasks", "SELECT count() FROM tasks"},
		{"BETWEEN '{from}' AND", "BETWEEN '{from}' + 1 AND"},
	},
}

// said is what an event's detail says, decoded; nothing where it has none.
func said(e *dataset.Event) (detail struct {
	Lesson struct {
		ID   any    `json:"id"`
		Name string `json:"name"`
	} `json:"lesson"`
	Quiz struct {
		ID     any `json:"id"`
		Score  any `json:"score"`
		Passed any `json:"passed"`
	} `json:"quiz"`
	Answers []json.RawMessage `json:"answers"`
	Query   string            `json:"query"`
	Result  json.RawMessage   `json:"result"`
	Name    string            `json:"name"`
}) {
	if e.Detail == "" {
		return detail
	}
	if err := json.Unmarshal([]byte(e.Detail), &detail); err != nil {
		panic(err) // the data set's own mistake
	}
	return detail
}

// text is an id or an answer as it is shown: a string itself, anything else as JSON.
func text(value any) string {
	if s, is := value.(string); is {
		return s
	}
	if value == nil {
		return ""
	}
	out, err := json.Marshal(value)
	if err != nil {
		panic(err) // it was JSON before
	}
	return string(out)
}

func of(kind string, events ...string) func(e *dataset.Event) bool {
	return func(e *dataset.Event) bool {
		return e.ItemType == kind && (len(events) == 0 || slices.Contains(events, e.Name))
	}
}

// ofItem are the account's events of the kind and the item that is asked for.
func (h *house) ofItem(a asked, kind string, events ...string) []*dataset.Event {
	is := of(kind, events...)
	return h.events(a, func(e *dataset.Event) bool { return is(e) && (a.item == "" || e.ItemID == a.item) })
}

var courseProgress = question{
	view: "course_progress", askedWith: usual(),
	answer: func(h *house, a asked) []Row {
		type course struct {
			named
			opened, started, completed crowd
			lessons                    crowd // person and lesson
		}
		courses := groups[string, course]{}
		for _, e := range h.ofItem(a, "course") {
			c, lesson := courses.of(e.ItemID), said(e).Lesson
			if c.opened == nil {
				c.opened, c.started, c.completed, c.lessons = crowd{}, crowd{}, crowd{}, crowd{}
			}
			c.named = c.named.or(e.Time, e.ItemName)
			c.opened.add(e.Person(), e.Name == "open")
			c.started.add(e.Person(), e.Name == "lesson_start" || e.Name == "lesson_complete")
			c.completed.add(e.Person(), e.Name == "complete")
			c.lessons.add(e.Person()+" "+cmp.Or(text(lesson.ID), lesson.Name), e.Name == "lesson_complete" && cmp.Or(text(lesson.ID), lesson.Name) != "")
		}
		var rows []Row
		for id, c := range courses {
			rows = append(rows, Row{
				"item_id": id, "item_name": c.name, "opened_users": len(c.opened), "started_users": len(c.started), "completed_users": len(c.completed),
				"completion_rate": ratio(c.opened.both(c.completed), len(c.opened)), "lessons_completed_mean": ratio(len(c.lessons), len(c.started)),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"IN ('lesson_start', 'lesson_complete')", "IN ('lesson_start')"},
		{"countIf(opened AND completed) / opened_users", "completed_users / opened_users"},
		{"uniqExactIf(coalesce(nullIf(e.detail.lesson.id::String, ''), nullIf(e.detail.lesson.name::String, '')), ", "countIf("},
		{"time < '{to}' + 1", "time < '{to}'"},
	},
}

var courseLessons = question{
	view: "course_lessons", item: true, askedWith: usual("", "701"),
	answer: func(h *house, a asked) []Row {
		type key struct{ course, lesson string }
		type lesson struct {
			named
			started, completed crowd
		}
		lessons, courses := groups[key, lesson]{}, make(map[key]named)
		for _, e := range h.ofItem(a, "course", "lesson_start", "lesson_complete") {
			told := said(e).Lesson
			k := key{e.ItemID, cmp.Or(text(told.ID), told.Name)}
			if k.lesson == "" {
				continue
			}
			l := lessons.of(k)
			if l.started == nil {
				l.started, l.completed = crowd{}, crowd{}
			}
			l.named, courses[k] = l.named.or(e.Time, told.Name), courses[k].or(e.Time, e.ItemName)
			l.started.add(e.Person(), true)
			l.completed.add(e.Person(), e.Name == "lesson_complete")
		}
		var rows []Row
		for k, l := range lessons {
			rows = append(rows, Row{
				"item_id": k.course, "item_name": courses[k].name, "lesson_id": k.lesson, "lesson_name": l.name,
				"started_users": len(l.started), "completed_users": len(l.completed),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"uniqExact(if(user_id = '', visitor_id, user_id))", "count()"},
		{"WHERE lesson_id != ''", ""},
		{"event IN ('lesson_start', 'lesson_complete')", "event IN ('lesson_start')"},
	},
}

var quizResults = question{
	view: "quiz_results", item: true, askedWith: usual("", "701"),
	answer: func(h *house, a asked) []Row {
		type key struct{ course, quiz string }
		type quiz struct {
			named
			takers, passed crowd
			submissions    int
			scores         []float64
		}
		quizzes := groups[key, quiz]{}
		for _, e := range h.ofItem(a, "course", "quiz_submit") {
			told := said(e).Quiz
			q := quizzes.of(key{e.ItemID, text(told.ID)})
			if q.takers == nil {
				q.takers, q.passed = crowd{}, crowd{}
			}
			q.named = q.named.or(e.Time, e.ItemName)
			q.submissions++
			q.takers.add(e.Person(), true)
			q.passed.add(e.Person(), told.Passed == true)
			if score, is := told.Score.(float64); is {
				q.scores = append(q.scores, score)
			}
		}
		var rows []Row
		for k, q := range quizzes {
			rows = append(rows, Row{
				"item_id": k.course, "item_name": q.name, "quiz_id": k.quiz, "takers": len(q.takers), "submissions": q.submissions,
				"passed_users": len(q.passed), "pass_rate": ratio(len(q.passed), len(q.takers)),
				"score_mean": mean(q.scores), "score_median": quantile(0.5, q.scores),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"LIMIT 1 BY event_id", ""},
		{"FROM events FINAL", "FROM events"},
		{"uniqExactIf(person, passed)", "countIf(passed)"},
		{", a.detail.quiz.score.:Int64", ""},
		{"passed_users / takers", "passed_users / submissions"},
	},
}

// given are a submission's questions and answers, each once; an answer of several choices is several.
func given(e *dataset.Event, choices bool) [][2]any {
	var out [][2]any
	seen := make(map[[2]string]bool)
	for _, raw := range said(e).Answers {
		var one struct{ Question, Answer any }
		if json.Unmarshal(raw, &one) != nil {
			continue // no object: neither question nor answer
		}
		all := []any{one.Answer}
		if list, is := one.Answer.([]any); is && choices {
			all = list
		}
		for _, answer := range all {
			key := [2]string{text(one.Question), text(answer)}
			if answer != nil && !seen[key] {
				seen[key] = true
				out = append(out, [2]any{one.Question, answer})
			}
		}
	}
	return out
}

var surveyResults = question{
	view: "survey_results", item: true, askedWith: usual("", "101"),
	answer: func(h *house, a asked) []Row {
		type key struct{ survey, question, answer string }
		type answers struct {
			named
			count int
			users crowd
		}
		all, ofQuestion := groups[key, answers]{}, make(map[key]int)
		for _, e := range h.ofItem(a, "survey", "submit") {
			for _, one := range given(e, true) {
				k := key{e.ItemID, text(one[0]), text(one[1])}
				x := all.of(k)
				if x.users == nil {
					x.users = crowd{}
				}
				x.named = x.named.or(e.Time, e.ItemName)
				x.count++
				x.users.add(e.Person(), true)
				ofQuestion[key{k.survey, k.question, ""}]++
			}
		}
		var rows []Row
		for k, x := range all {
			rows = append(rows, Row{
				"item_id": k.survey, "item_name": x.name, "question": k.question, "answer": k.answer, "answers": x.count, "users": len(x.users),
				"share": ratio(x.count, ofQuestion[key{k.survey, k.question, ""}]),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"uniqExact(event_id) AS answers", "count() AS answers"},
		{"NOT IN ('', 'null')", "NOT IN ('')"},
		{"PARTITION BY item_id, question", "PARTITION BY question"},
		{"FROM events FINAL", "FROM (SELECT * FROM events WHERE epoch = 0)"},
	},
}

var surveyNPS = question{
	view: "survey_nps", item: true, askedWith: usual("", "502"),
	answer: func(h *house, a asked) []Row {
		type key struct{ survey, question string }
		type score struct {
			named
			answers, promoters, passives, detractors int
		}
		all := groups[key, score]{}
		for _, e := range h.ofItem(a, "survey", "submit") {
			for _, one := range given(e, false) {
				var grade float64
				if json.Unmarshal([]byte(strings.TrimSpace(text(one[1]))), &grade) != nil || grade < 0 || grade > 10 {
					continue
				}
				s := all.of(key{e.ItemID, text(one[0])})
				s.named = s.named.or(e.Time, e.ItemName)
				s.answers++
				switch {
				case grade >= 9:
					s.promoters++
				case grade >= 7:
					s.passives++
				default:
					s.detractors++
				}
			}
		}
		var rows []Row
		for k, s := range all {
			rows = append(rows, Row{
				"item_id": k.survey, "item_name": s.name, "question": k.question,
				"answers": s.answers, "promoters": s.promoters, "passives": s.passives, "detractors": s.detractors,
				"nps": ratio(100*(s.promoters-s.detractors), s.answers),
			})
		}
		return rows
	},
	mutations: []mutation{
		{"BETWEEN 0 AND 10", "BETWEEN 1 AND 10"},
		{"countIf(grade < 7)", "countIf(grade <= 6)"},
		{"grade >= 9) AS promoters", "grade > 9) AS promoters"},
		{"LIMIT 1 BY event_id", "LIMIT 1 BY visitor_id"},
	},
}

var searchWithoutResult = question{
	view: "search_without_result", askedWith: usual(),
	answer: func(h *house, a asked) []Row {
		type query struct {
			named
			searches int
			users    crowd
		}
		queries := groups[string, query]{}
		for _, e := range h.ofItem(a, "search", "search") {
			told := said(e)
			text := strings.ToLower(strings.Trim(told.Query, " "))
			if string(told.Result) != "null" || text == "" {
				continue
			}
			q := queries.of(text)
			if q.users == nil {
				q.users = crowd{}
			}
			q.named = q.named.or(e.Time, "")
			q.searches++
			q.users.add(e.Person(), true)
		}
		var rows []Row
		for text, q := range queries {
			rows = append(rows, Row{"query": text, "searches": q.searches, "users": len(q.users), "last_time": clock(q.at)})
		}
		return rows
	},
	mutations: []mutation{
		{"uniqExact(event_id)", "count()"},
		{"JSONExtractRaw(detail_text, 'result') = 'null' AND", "NOT JSONHas(detail_text, 'result', 'id') AND"},
		{"lowerUTF8(", "identity("},
		{"time < '{to}' + 1", "time <= '{to}'"},
	},
}
