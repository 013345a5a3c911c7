package question

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Account is the parameter that every question has.
const Account = "account"

// A Parameter of questions. All questions that have one by that name mean the same by it.
type Parameter struct {
	Name string `json:"name"`
	// Type is what a page shows for it: account, date, audience, item, user, text, choice or number.
	Type     string `json:"type"`
	Required bool   `json:"required"`
	// Default stands for what is left out; it is empty where Required.
	Default string `json:"default"`
	About   string `json:"about"`
	// Values are all there are, of a choice.
	Values []string `json:"values"`

	sqlType string
	check   func(string) error
}

// days is how many days a question is about that names none, today among them, and mostDays how many it may be about.
const (
	days     = 28
	mostDays = 1100
)

// longest bounds a text, in bytes: longer ones are nobody's id.
const longest = 1024

var audience = regexp.MustCompile(`^(live|all|(environment|country|browser|os|device|language|company):.+)$`)

const audienceWant = "want live, all, or environment:, country:, browser:, os:, device:, language: or company: with a value, such as country:DE"

var splits = []string{"country", "city", "browser", "os", "device", "page", "language", "company"}

// parameters are those that a question's file may name.
var parameters = func() map[string]Parameter {
	known := make(map[string]Parameter)
	for _, p := range []Parameter{
		{Name: Account, Type: "account", Required: true, About: "The account's id.", sqlType: "String", check: text(1)},
		{Name: "from", Type: "date", About: "The first day, of UTC. Without it, the 28 days up to the last one.", sqlType: "Date", check: date},
		{Name: "to", Type: "date", About: "The last day, of UTC, whole. Without it, today.", sqlType: "Date", check: date},
		{Name: "audience", Type: "audience", Default: "live", About: "Whose events count: live (production, no previews, no bots), all, or a part: country:DE, environment:test.", sqlType: "String", check: isAudience},
		{Name: "item", Type: "item", About: "An item's id; empty is all.", sqlType: "String", check: text(0)},
		{Name: "user", Type: "user", Required: true, About: "The user's id, as it is stored.", sqlType: "String", check: text(1)},
		{Name: "goal", Type: "text", Required: true, About: "The name of a custom event.", sqlType: "String", check: text(1)},
		{Name: "by", Type: "choice", Default: "country", Values: splits, About: "What to split by.", sqlType: "String", check: oneOf(splits)},
		{Name: "search", Type: "text", About: "A part of what is looked for; empty is all.", sqlType: "String", check: text(0)},
		{Name: "limit", Type: "number", Default: "200", About: "At most so many rows, 1–10000.", sqlType: "UInt32", check: number(1, 10_000)},
		{Name: "other_from", Type: "date", Required: true, About: "The first day to compare with.", sqlType: "Date", check: date},
		{Name: "other_to", Type: "date", Required: true, About: "The last day to compare with.", sqlType: "Date", check: date},
		{Name: "other_audience", Type: "audience", Default: "live", About: "The audience to compare with.", sqlType: "String", check: isAudience},
	} {
		if p.Values == nil {
			p.Values = []string{}
		}
		known[p.Name] = p
	}
	return known
}()

// An Error is a parameter that is not as it should be. Its sentence quotes no value.
type Error struct{ Parameter, Want string }

func (e *Error) Error() string { return e.Parameter + ": " + e.Want }

// Values checks what a client gave for the question, and fills in what it left out, as of now. Errors are *Error: the parameters that are not known, given twice,
// missing, or wrong, by name.
func (q *Question) Values(given url.Values, now time.Time) (map[string]string, error) {
	for _, name := range sorted(given) {
		switch known := slices.ContainsFunc(q.Parameters, func(p Parameter) bool { return p.Name == name }); {
		case !known && len(name) > 64:
			return nil, &Error{"", "a parameter has a name that none has"}
		case !known:
			return nil, &Error{name, "the question has no such parameter; it has " + strings.Join(q.names(), ", ")}
		case len(given[name]) > 1:
			return nil, &Error{name, "want it once"}
		}
	}
	values := make(map[string]string)
	for _, p := range q.Parameters {
		value := given.Get(p.Name)
		if value == "" {
			if p.Required {
				return nil, &Error{p.Name, "want it: " + p.About}
			}
			value = p.Default
		}
		if value == "" && p.Type == "date" {
			continue // below
		}
		if err := p.check(value); err != nil {
			return nil, &Error{p.Name, err.Error()}
		}
		values[p.Name] = value
	}
	if err := q.fillSpan(values, "from", "to", now); err != nil {
		return nil, err
	}
	return values, q.fillSpan(values, "other_from", "other_to", now)
}

func sorted(given url.Values) []string {
	var names []string
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (q *Question) names() []string {
	var names []string
	for _, p := range q.Parameters {
		names = append(names, p.Name)
	}
	return names
}

// fillSpan fills in and checks a first and a last day.
func (q *Question) fillSpan(values map[string]string, from, to string, now time.Time) error {
	if !slices.Contains(q.names(), from) {
		return nil
	}
	if values[to] == "" {
		values[to] = now.UTC().Format(time.DateOnly)
	}
	last, err := time.Parse(time.DateOnly, values[to])
	if err != nil {
		return &Error{to, dateWant}
	}
	if values[from] == "" {
		values[from] = last.AddDate(0, 0, 1-days).Format(time.DateOnly)
	}
	first, err := time.Parse(time.DateOnly, values[from])
	if err != nil {
		return &Error{from, dateWant}
	}
	switch {
	case first.After(last):
		return &Error{from, "want a day up to " + to}
	case last.Sub(first) >= mostDays*24*time.Hour:
		return &Error{from, fmt.Sprintf("want at most %d days up to %s", mostDays, to)}
	}
	return nil
}

// Shown is the question's SELECT with values in the places of its parameters, as it can be pasted.
func (q *Question) Shown(values map[string]string) string {
	return placeholder.ReplaceAllStringFunc(q.SQL, func(at string) string {
		match := placeholder.FindStringSubmatch(at)
		if strings.HasPrefix(match[2], "UInt") {
			return values[match[1]]
		}
		return Quote(values[match[1]])
	})
}

// quoting is what ClickHouse reads back as it was (https://clickhouse.com/docs/sql-reference/syntax#string).
var quoting = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`)

// Quote writes a text as ClickHouse's string literal.
func Quote(value string) string { return "'" + quoting.Replace(value) + "'" }

const dateWant = "want a day such as 2026-11-25, from 1970-01-02 to 2149-06-05"

// The days that ClickHouse's Date has, less one at each end, since views look a day further.
var firstDay, lastDay = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(2149, 6, 5, 0, 0, 0, 0, time.UTC)

func date(value string) error {
	day, err := time.Parse(time.DateOnly, value)
	if err != nil || day.Before(firstDay) || day.After(lastDay) {
		return errors.New(dateWant)
	}
	return nil
}

func text(least int) func(string) error {
	return func(value string) error {
		if len(value) < least || len(value) > longest || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return fmt.Errorf("want %d–%d bytes of UTF-8", least, longest)
		}
		return nil
	}
}

func isAudience(value string) error {
	if text(1)(value) != nil || !audience.MatchString(value) {
		return errors.New(audienceWant)
	}
	return nil
}

func oneOf(values []string) func(string) error {
	return func(value string) error {
		if !slices.Contains(values, value) {
			return errors.New("want one of " + strings.Join(values, ", "))
		}
		return nil
	}
}

func number(least, most uint64) func(string) error {
	return func(value string) error {
		n, err := strconv.ParseUint(value, 10, 32)
		if err != nil || n < least || n > most || strconv.FormatUint(n, 10) != value {
			return fmt.Errorf("want a whole number of %d–%d", least, most)
		}
		return nil
	}
}
