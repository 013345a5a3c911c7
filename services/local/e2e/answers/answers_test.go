package answers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

// questions are all views that answer one, but those that others are made of.
var questions = []question{
	itemRates, itemEngagement, walkthruFunnel, walkthruCompletion, failureReasons, goalRate, timeToComplete, itemDays,
	taskProgress, tasksDone, courseProgress, courseLessons, quizResults, surveyResults, surveyNPS, searchWithoutResult,
	itemCompare, guideEffect,
	sessionsView, activeUsers, retention, sessionsOverview, newVsReturning, trafficSources, breakdown, companyEngagement,
	endUserProfile, endUserTimeline, endUsers, companies, dataQuality, freshness,
}

func TestViewsAnswerAsTheDefinitionsSay(t *testing.T) {
	h := open(t)
	for _, q := range questions {
		t.Run(q.view, func(t *testing.T) {
			if d := h.compare(t, q, q.view); d != "" {
				t.Error(d)
			}
		})
	}
}

// A view that is written wrong in one of the usual ways answers otherwise, and the comparison sees it.
func TestTheComparisonFindsWhatIsWrittenWrong(t *testing.T) {
	h := open(t)
	for _, q := range questions {
		if len(q.mutations) < 2 {
			t.Errorf("%s has %d mutations", q.view, len(q.mutations))
		}
		statement := statementOf(t, q.view)
		for _, m := range q.mutations {
			t.Run(q.view+"/"+m.from, func(t *testing.T) {
				parameters := strings.NewReplacer("'{from}'", "{from:Date}", "'{to}'", "{to:Date}")
				from, to := parameters.Replace(m.from), parameters.Replace(m.to)
				if !strings.Contains(statement, from) {
					t.Fatalf("the view has no %q:\n%s", from, statement)
				}
				const name = "mutated"
				wrong := strings.ReplaceAll(statement, from, to)
				h.exec(t, strings.Replace(wrong, "VIEW "+q.view+" AS", "VIEW "+name+" AS", 1))
				defer h.exec(t, "DROP VIEW "+name)
				switch d := h.compare(t, q, name); {
				case d == "":
					t.Errorf("with %q instead, every answer is the same", to)
				case strings.Contains(d, "DB::Exception"):
					t.Errorf("with %q instead, it is no answer but an error: %s", to, d)
				}
			})
		}
	}
}

// What is asked wrong is told so, and answered with nothing that looks like an answer.
func TestWhatIsAskedWrongIsAnError(t *testing.T) {
	h := open(t)
	const audience = "audience: want live, all, or environment:"
	for _, q := range questions {
		if q.plain != "" || q.everyone {
			continue
		}
		a := q.askedWith[0]
		for _, wrong := range []string{"", "Live", "country:", "planet:Mars", "live'"} {
			a.audience = wrong
			if _, err := h.query(q.call(q.view, a)); err == nil || !strings.Contains(err.Error(), audience) {
				t.Errorf("%s with the audience %q: %v", q.view, wrong, err)
			}
		}
	}
	for _, wrong := range []struct {
		of   question
		a    asked
		says string
	}{
		{walkthruFunnel, asked{"acme", day(3, 1), day(3, 2), "live", "", nil}, "item: want the id of one walk-thru"},
		{guideEffect, asked{"acme", day(3, 1), day(3, 2), "live", "", goal("x")}, "want an item's id and a custom event's name"},
		{guideEffect, asked{"acme", day(3, 1), day(3, 2), "live", "101", goal("")}, "want an item's id and a custom event's name"},
	} {
		if _, err := h.query(wrong.of.call(wrong.of.view, wrong.a)); err == nil || !strings.Contains(err.Error(), wrong.says) {
			t.Errorf("%s %s: %v", wrong.of.view, wrong.a, err)
		}
	}
}

// Rows of the model are merged some time or other: no answer may depend on it. What a re-enrichment replaced comes again, in parts that are not
// merged, with other countries than the rows that they will be merged with. It changes no answer, since all of it was there before.
func TestMergesChangeNoAnswer(t *testing.T) {
	h := open(t)
	replaced := make(map[uuid.UUID]bool)
	for _, e := range h.stored {
		if e.Epoch > 0 {
			replaced[e.ID] = true
		}
	}
	var again []*dataset.Event
	for _, e := range h.stored {
		if e.Epoch == 0 && replaced[e.ID] {
			again = append(again, e)
		}
	}
	for _, table := range tables {
		h.exec(t, "SYSTEM STOP MERGES "+table)
		defer h.exec(t, "SYSTEM START MERGES "+table)
	}
	if err := h.insert(t.Context(), "events", "again", dataset.Columns(again)); err != nil {
		t.Fatal(err)
	}
	const name = "unmerged"
	h.exec(t, strings.NewReplacer("VIEW task_progress AS", "VIEW "+name+" AS", "item_activity FINAL", "item_activity").Replace(statementOf(t, "task_progress")))
	defer h.exec(t, "DROP VIEW "+name)
	if h.compare(t, split(taskProgress), name) == "" {
		t.Error("without FINAL every answer is the same: nothing is tested")
	}
	for _, q := range questions {
		if d := h.compare(t, split(q), q.view); d != "" {
			t.Errorf("%s, not merged: %s", q.view, d)
		}
	}
	for _, table := range tables {
		h.exec(t, "SYSTEM START MERGES "+table)
		h.exec(t, "OPTIMIZE TABLE "+table+" FINAL")
	}
	for _, q := range questions {
		if d := h.compare(t, split(q), q.view); d != "" {
			t.Errorf("%s, merged: %s", q.view, d)
		}
	}
}

// split is the question of those parts of an audience that merges are most likely to change.
func split(q question) question {
	parts := q
	parts.askedWith = nil
	for _, a := range q.askedWith {
		if strings.HasPrefix(a.audience, "country:") {
			parts.askedWith = append(parts.askedWith, a)
		}
	}
	if len(parts.askedWith) == 0 {
		return q
	}
	return parts
}

// statementOf is what makes a view on one server.
func statementOf(t testing.TB, view string) string {
	t.Helper()
	schema, err := clickhouse.ReadSchema(schemas.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	statements, err := schema.Statements("answers", clickhouse.Tables{})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if strings.Contains(statement, "CREATE OR REPLACE VIEW "+view+" AS") {
			return statement
		}
	}
	t.Fatal(fmt.Errorf("there is no view %s", view))
	return ""
}
