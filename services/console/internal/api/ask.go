package api

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/waymark-events/waymark/services/console/internal/access"
	"github.com/waymark-events/waymark/services/console/internal/ask"
	"github.com/waymark-events/waymark/services/console/internal/box"
	"github.com/waymark-events/waymark/services/console/internal/question"
)

// questions lists what can be asked. Dates' defaults are today's.
func (a *API) questions(w http.ResponseWriter, _ *http.Request, _ *access.User) {
	a.answer(w, http.StatusOK, map[string]any{"questions": question.Sorted()})
}

// ask answers a question.
func (a *API) ask(w http.ResponseWriter, r *http.Request, who *access.User) {
	q := question.All[r.PathValue("question")]
	if q == nil {
		a.refuse(w, http.StatusNotFound, "not_found", "", "There is no such question; /api/questions lists them.")
		return
	}
	given, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		a.refuse(w, http.StatusBadRequest, ask.CodeParameter, "", "The address' query cannot be read.")
		return
	}
	file, ok := a.format(w, r, given)
	if !ok {
		return
	}
	if len(given[question.Account]) > 1 {
		a.refuse(w, http.StatusBadRequest, ask.CodeParameter, question.Account, "Want it once.")
		return
	}
	region, may := a.region(w, who, given.Get(question.Account))
	if !may {
		return
	}
	values, err := q.Values(given, time.Now())
	var wrong *question.Error
	if errors.As(err, &wrong) {
		a.refuse(w, http.StatusBadRequest, ask.CodeParameter, wrong.Parameter, sentence(wrong.Want))
		return
	}
	answer, err := a.Asker.Ask(r.Context(), ask.Request{User: who.Name, Region: region, Question: q, Values: values})
	if err != nil {
		a.failed(w, q.Name, region, err)
		return
	}
	name := q.Name + "_" + values[question.Account]
	if values["from"] != "" {
		name += "_" + values["from"] + "_" + values["to"]
	}
	a.send(w, r, answer, file, name)
}

// sql runs somebody's own statement, as the account's own user.
func (a *API) sql(w http.ResponseWriter, r *http.Request, who *access.User) {
	var body struct {
		Account string `json:"account"`
		SQL     string `json:"sql"`
	}
	if !a.decode(w, r, &body) {
		return
	}
	file, ok := a.format(w, r, r.URL.Query())
	if !ok {
		return
	}
	region, may := a.region(w, who, body.Account)
	if !may {
		return
	}
	if strings.TrimSpace(body.SQL) == "" {
		a.refuse(w, http.StatusBadRequest, ask.CodeParameter, "sql", "Want a SELECT.")
		return
	}
	conn, err := a.Box.Conn(r.Context(), body.Account, region, !who.All())
	var closed *box.Closed
	switch {
	case errors.As(err, &closed):
		a.refuse(w, http.StatusForbidden, "no_sql", "", closed.Why)
		return
	case err != nil:
		a.failed(w, "sql", region, ask.Failed(r.Context(), err))
		return
	}
	answer, err := a.Asker.SQL(r.Context(), who.Name, region, conn, body.SQL, a.settings.SQLTime)
	if err != nil {
		a.failed(w, "sql", region, err)
		return
	}
	a.send(w, r, answer, file, "sql_"+body.Account)
}

// format tells whether an answer is to be a CSV file, and takes that out of what was given. It has answered when ok is false.
func (a *API) format(w http.ResponseWriter, r *http.Request, given url.Values) (file, ok bool) {
	formats := given["format"]
	delete(given, "format")
	switch {
	case len(formats) == 0:
		// A browser's */* wants JSON; who wants a file says so.
		return strings.HasPrefix(r.Header.Get("Accept"), "text/csv"), true
	case len(formats) == 1 && (formats[0] == "csv" || formats[0] == "json"):
		return formats[0] == "csv", true
	}
	a.refuse(w, http.StatusBadRequest, ask.CodeParameter, "format", "Want json or csv.")
	return false, false
}

// inName is what a file's name may have.
var inName = regexp.MustCompile(`[^A-Za-z0-9_.-]`)

// send writes an answer, or that it is what the client has already.
func (a *API) send(w http.ResponseWriter, r *http.Request, answer *ask.Answer, file bool, name string) {
	tag, err := answer.Tag()
	if err != nil {
		a.failed(w, name, "", err)
		return
	}
	header := w.Header()
	header.Set("Vary", "Accept, Authorization, Cookie")
	if file {
		tag = strings.TrimSuffix(tag, `"`) + `-csv"`
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		header.Set("Cache-Control", "private, no-cache") // kept, and asked for again: whoever signs in next must not see it
		header.Set("ETag", tag)
		if slices.ContainsFunc(strings.Split(r.Header.Get("If-None-Match"), ","), func(had string) bool {
			return strings.TrimPrefix(strings.TrimSpace(had), "W/") == tag
		}) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if !file {
		a.answer(w, http.StatusOK, answer)
		return
	}
	text, err := answer.CSV()
	if err != nil {
		a.failed(w, name, "", err)
		return
	}
	header.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	header.Set("Content-Disposition", `attachment; filename="`+inName.ReplaceAllString(name, "_")+`.csv"`)
	if answer.Truncated {
		header.Set("X-Truncated", "true")
	}
	_, _ = w.Write(text) // who is gone needs no answer
}

// sentence begins with a capital letter and ends with a stop.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}
