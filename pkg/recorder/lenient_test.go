package recorder

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/waymark-events/waymark/pkg/event"
)

// around is the least event with members added to it, and to its data.
func around(members, data string) string {
	if members != "" {
		members = ", " + members
	}
	if data != "" {
		data = ", " + data
	}
	return `{"time": 1, "type": "play"` + members + `, "data": {"type": "wt"` + data + `}}`
}

func TestNoOtherMemberCostsTheEvent(t *testing.T) {
	long := func(n int) string { return strings.Repeat("é", n) }
	const converted, cut, shortened, replaced, dropped, asText = event.WarnConverted, event.WarnCut, event.WarnShortened, event.WarnReplaced, event.WarnDropped, event.WarnAsText
	for name, c := range map[string]struct {
		members, data string
		want          Event
		code          event.WarningCode
		path          string
	}{
		"a user's id as a number":            {`"user": {"id": 12345}`, "", Event{User: User{ID: "12345"}}, converted, "$.user.id"},
		"a user's id beyond 2^64":            {`"user": {"id": 18446744073709551617}`, "", Event{User: User{ID: "18446744073709551617"}}, converted, "$.user.id"},
		"a user's id as 1e3":                 {`"user": {"id": 1e3}`, "", Event{User: User{ID: "1000"}}, converted, "$.user.id"},
		"a negative id":                      {`"user": {"id": -7}`, "", Event{User: User{ID: "-7"}}, converted, "$.user.id"},
		"a visitor as a number":              {`"user": {"guid": 42}`, "", Event{User: User{GUID: "42"}}, converted, "$.user.guid"},
		"a visitor as an object":             {`"user": {"guid": {"id": 1}}`, "", Event{}, dropped, "$.user.guid"},
		"a session as a number":              {`"session": 1551783990123`, "", Event{Session: "1551783990123"}, converted, "$.session"},
		"an event's id as a number":          {`"id": 77`, "", Event{ID: "77"}, converted, "$.id"},
		"a play as a number":                 {"", `"pId": 9`, Event{Data: Data{PlayID: "9"}}, converted, "$.data.pId"},
		"a user as text":                     {`"user": "jane"`, "", Event{}, dropped, "$.user"},
		"a user as a list":                   {`"user": [{"id": "jane"}]`, "", Event{}, dropped, "$.user"},
		"an id too long":                     {`"user": {"id": "` + long(MaxID+1) + `"}`, "", Event{User: User{ID: long(MaxID-17) + "~db33c4ce9e8a7256"}}, shortened, "$.user.id"},
		"an item's id as a fraction":         {"", `"oId": 1.5`, Event{Data: Data{ID: "1.5"}}, converted, "$.data.oId"},
		"an item's id that loses digits":     {"", `"oId": 9007199254740993`, Event{Data: Data{ID: "9007199254740993"}}, converted, "$.data.oId"},
		"an item's id as an object":          {"", `"oId": {}`, Event{}, dropped, "$.data.oId"},
		"an item's name as a whole number":   {"", `"oName": 12`, Event{Data: Data{Name: "12"}}, converted, "$.data.oName"},
		"an item's name as a boolean":        {"", `"oName": true`, Event{Data: Data{Name: "true"}}, converted, "$.data.oName"},
		"an item's name as a list":           {"", `"oName": ["a"]`, Event{}, dropped, "$.data.oName"},
		"an item's name too long":            {"", `"oName": "` + long(MaxName+1) + `"`, Event{Data: Data{Name: long(MaxName)}}, cut, "$.data.oName"},
		"a title too long":                   {`"page": {"title": "` + strings.Repeat("t", MaxName+500) + `"}`, "", Event{Page: Page{Title: strings.Repeat("t", MaxName)}}, cut, "$.page.title"},
		"a title cut between two emoji":      {`"page": {"title": "` + strings.Repeat("😀", MaxName+1) + `"}`, "", Event{Page: Page{Title: strings.Repeat("😀", MaxName)}}, cut, "$.page.title"},
		"a title cut within an emoji":        {`"page": {"title": "Sale \ud83d"}`, "", Event{Page: Page{Title: "Sale \ufffd"}}, replaced, "$.page.title"},
		"the second half of a pair":          {`"page": {"title": "\uDE00 Sale"}`, "", Event{Page: Page{Title: "\ufffd Sale"}}, replaced, "$.page.title"},
		"halves in the wrong order":          {`"page": {"title": "\ude00\ud83d"}`, "", Event{Page: Page{Title: "\ufffd\ufffd"}}, replaced, "$.page.title"},
		"a half before a pair":               {`"page": {"title": "\ud83d\ud83d\ude00"}`, "", Event{Page: Page{Title: "\ufffd😀"}}, replaced, "$.page.title"},
		"a half before another escape":       {`"page": {"title": "\ud83d\n\ud83d\u0041"}`, "", Event{Page: Page{Title: "\ufffd\n\ufffdA"}}, replaced, "$.page.title"},
		"a title in Latin 1":                 {"\"page\": {\"title\": \"caf\xe9\"}", "", Event{Page: Page{Title: "caf\ufffd"}}, replaced, "$.page.title"},
		"a title with half of a letter":      {"\"page\": {\"title\": \"caf\xc3\"}", "", Event{Page: Page{Title: "caf\ufffd"}}, replaced, "$.page.title"},
		"a surrogate in UTF-8 (CESU-8)":      {"\"page\": {\"title\": \"\xed\xa0\xbd\"}", "", Event{Page: Page{Title: "\ufffd\ufffd\ufffd"}}, replaced, "$.page.title"},
		"half a pair in a property":          {`"props": {"a": ["x\ud83d"]}`, "", Event{Props: jsontext.Value(`{"a": ["x\ufffd"]}`)}, replaced, "$.props"},
		"half a pair in a property's name":   {`"props": {"x\udc00": 1}`, "", Event{Props: jsontext.Value(`{"x\ufffd": 1}`)}, replaced, "$.props"},
		"a byte in a property's name":        {"\"props\": {\"x\xff\": 1}", "", Event{Props: jsontext.Value("{\"x\ufffd\": 1}")}, replaced, "$.props"},
		"half a pair in an answer":           {"", `"answers": [{"answer": "\ud83d"}]`, Event{Data: Data{Answers: jsontext.Value(`[{"answer": "\ufffd"}]`)}}, replaced, "$.data.answers"},
		"half a pair in a query":             {"", `"query": "\ud83d"`, Event{Data: Data{Query: jsontext.Value(`"\ufffd"`)}}, replaced, "$.data.query"},
		"half a pair in what is not known":   {`"other": {"\ud83d": "\ud83d"}`, "", Event{}, "", ""},
		"an escaped backslash before ud83d":  {`"page": {"title": "C:\\ud83d"}`, "", Event{Page: Page{Title: `C:\ud83d`}}, "", ""},
		"a URL too long, kept for the cut":   {`"page": {"url": "https://` + long(MaxURL) + `"}`, "", Event{Page: Page{URL: "https://" + long(MaxURL)}}, cut, "$.page.url"},
		"a URL as an object":                 {`"page": {"url": {"href": "x"}}`, "", Event{}, dropped, "$.page.url"},
		"a page as text":                     {`"page": "https://a.example"`, "", Event{}, dropped, "$.page"},
		"a screen's fraction":                {`"env": {"screen": {"width": 1279.5652}}`, "", Event{Env: Env{Screen: Screen{Width: 1280}}}, converted, "$.env.screen.width"},
		"a screen's text":                    {`"env": {"screen": {"height": " 864px "}}`, "", Event{Env: Env{Screen: Screen{Height: 864}}}, converted, "$.env.screen.height"},
		"a screen below nothing":             {`"env": {"screen": {"width": -1}}`, "", Event{}, dropped, "$.env.screen.width"},
		"a screen too wide":                  {`"env": {"screen": {"width": 65536}}`, "", Event{}, dropped, "$.env.screen.width"},
		"a screen beyond all floats":         {`"env": {"screen": {"width": 1e400}}`, "", Event{}, dropped, "$.env.screen.width"},
		"a screen of no number":              {`"env": {"screen": {"width": "NaN"}}`, "", Event{}, dropped, "$.env.screen.width"},
		"a screen as text":                   {`"env": {"screen": "1920x1080"}`, "", Event{}, dropped, "$.env.screen"},
		"a browser as text":                  {`"env": {"browser": "Chrome 72"}`, "", Event{Env: Env{Browser: Software{String: "Chrome 72"}}}, converted, "$.env.browser"},
		"a version as a number":              {`"env": {"os": {"version": 10.15}}`, "", Event{Env: Env{OS: Software{Version: "10.15"}}}, converted, "$.env.os.version"},
		"a language as a list":               {`"env": {"language": ["de", "en"]}`, "", Event{}, dropped, "$.env.language"},
		"a step's place as a fraction":       {"", `"step": {"index": 1.5}`, Event{Data: Data{Step: Step{Index: ptr[int32](1)}}}, converted, "$.data.step.index"},
		"a step's place as text":             {"", `"step": {"index": "3"}`, Event{Data: Data{Step: Step{Index: ptr[int32](3)}}}, converted, "$.data.step.index"},
		"a step's place below zero":          {"", `"step": {"index": -1}`, Event{}, dropped, "$.data.step.index"},
		"a step as a number":                 {"", `"step": 2`, Event{}, dropped, "$.data.step"},
		"a query as a number":                {"", `"query": 404`, Event{Data: Data{Query: jsontext.Value(`"404"`)}}, converted, "$.data.query"},
		"a query too long":                   {"", `"query": "` + long(MaxName+1) + `"`, Event{Data: Data{Query: jsontext.Value(`"` + long(MaxName) + `"`)}}, cut, "$.data.query"},
		"a query as an object":               {"", `"query": {"q": 1}`, Event{}, dropped, "$.data.query"},
		"properties as a list":               {`"props": [1, "a"]`, "", Event{Props: jsontext.Value(`{"_rest":"[1, \"a\"]"}`)}, asText, "$.props"},
		"properties as text":                 {`"props": "{\"a\":1}"`, "", Event{Props: jsontext.Value(`{"_rest":"\"{\\\"a\\\":1}\""}`)}, asText, "$.props"},
		"answers as an object":               {"", `"answers": {"q": "a"}`, Event{Data: Data{Answers: jsontext.Value(`[{"_rest":"{\"q\": \"a\"}"}]`)}}, asText, "$.data.answers"},
		"a result as a list":                 {"", `"result": [1]`, Event{Data: Data{Result: jsontext.Value(`{"_rest":"[1]"}`)}}, asText, "$.data.result"},
		"an empty list for properties (PHP)": {`"props": [ ]`, "", Event{}, dropped, "$.props"},
		"an empty text for properties":       {`"props": ""`, "", Event{}, dropped, "$.props"},
		"an empty object for answers":        {"", `"answers": {}`, Event{}, dropped, "$.data.answers"},
		"a quiz as a number":                 {"", `"quiz": 0.5`, Event{Data: Data{Quiz: jsontext.Value(`{"_rest":"0.5"}`)}}, asText, "$.data.quiz"},
		"a property beyond all floats":       {`"props": {"a": 1e400, "b": [-1E+999], "c": 1e3}`, "", Event{Props: jsontext.Value(`{"a": "1e400", "b": ["-1E+999"], "c": 1e3}`)}, converted, "$.props"},
		"a property of 400 digits":           {`"props": {"a": ` + strings.Repeat("9", 400) + `, "b": ` + strings.Repeat("9", 308) + `}`, "", Event{Props: jsontext.Value(`{"a": "` + strings.Repeat("9", 400) + `", "b": ` + strings.Repeat("9", 308) + `}`)}, converted, "$.props"},
		"a property that would become zero":  {`"props": {"a": 1e-400, "b": 0e-400, "c": "1e400"}`, "", Event{Props: jsontext.Value(`{"a": "1e-400", "b": 0e-400, "c": "1e400"}`)}, converted, "$.props"},
		"a score beyond all floats":          {"", `"quiz": {"score": 1e309}`, Event{Data: Data{Quiz: jsontext.Value(`{"score": "1e309"}`)}}, converted, "$.data.quiz"},
		"traits of another kind":             {`"user": {"traits": ["kept", "raw"]}`, "", Event{}, dropped, "$.user.traits"},
		"the greatest and least of floats":   {`"props": {"a": 1.7976931348623157e308, "b": 5e-324}`, "", Event{Props: jsontext.Value(`{"a": 1.7976931348623157e308, "b": 5e-324}`)}, "", ""},
		"control characters in a text":       {`"page": {"title": "a\u0000b"}`, "", Event{Page: Page{Title: "a\x00b"}}, "", ""},
		"an empty id":                        {`"user": {"id": ""}`, "", Event{}, "", ""},
		"an event's id of any length":        {`"id": "` + long(1000) + `"`, "", Event{ID: long(1000)}, "", ""},
		"a library of a nameless maker":      {`"library": 4`, "", Event{}, dropped, "$.library"},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.Time, c.want.Type, c.want.Data.Type = 1, "play", "wt"
			if c.code != "" {
				c.want.Warnings = []event.Warning{{Code: c.code, Path: c.path}}
			}
			var got Event
			if err := Decode([]byte(around(c.members, c.data)), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSeveralWarningsOfOneEvent(t *testing.T) {
	var got Event
	err := Decode([]byte(around(`"user": {"id": 5, "guid": "null"}, "page": {"title": `+strings.Repeat("9", MaxName+1)+`}, "props": {"a": "\ud83d", "b": "\ud83d", "c": 1e999}`, "")), &got)
	if err != nil {
		t.Fatal(err)
	}
	want := []event.Warning{
		{Code: event.WarnConverted, Path: "$.user.id"}, {Code: event.WarnNoID, Path: "$.user.guid"}, {Code: event.WarnConverted, Path: "$.page.title"},
		{Code: event.WarnCut, Path: "$.page.title"}, {Code: event.WarnReplaced, Path: "$.props"}, {Code: event.WarnConverted, Path: "$.props"},
	}
	if diff := cmp.Diff(want, got.Warnings); diff != "" {
		t.Error(diff)
	}
}

func TestLongIdentifiersStayApart(t *testing.T) {
	token := strings.Repeat("eyJhbGciOiJIUzI1NiJ9.", 40)
	seen := map[string]bool{}
	for _, tail := range []string{"a", "b", "ab"} {
		var got Event
		if err := Decode([]byte(around(`"user": {"id": "`+token+tail+`"}`, "")), &got); err != nil {
			t.Fatal(err)
		}
		if seen[got.User.ID] || len(got.User.ID) != MaxID {
			t.Errorf("%s became %q", tail, got.User.ID)
		}
		seen[got.User.ID] = true
	}
}

func TestWordsThatAreNoIDs(t *testing.T) {
	none := []string{
		"undefined", "UNDEFINED", "null", "Null", "None", "nil", "NaN", "nan", "[object Object]", "[object object]", "[Object Promise]", "(not set)", "(none)", "n/a", " ", "\t", "'undefined'",
		" null ", "{}", "[]", "{{user.id}}", "{{ user_id }}", "${userId}", "<%= user.id %>", "undefined undefined",
	}
	noPerson := append(slices.Clone(none), "0", "-1", "true", "False", "anonymous", "Anonymous", "guest", "unknown", "distinct_id",
		"00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000", "{00000000-0000-0000-0000-000000000000}", "FFFFFFFF-FFFF-FFFF-FFFF-ffffffffffff")
	ids := []string{"jane", "u-0", "00", "nullable", "undefined1", "Nona", "00000000-0000-0000-0000-000000000001", "0000", "[jane]", "{jane}", "$jane", "truelove", "id-1"}
	for path, words := range map[string][]string{
		"$.id": noPerson, "$.session": noPerson, "$.user.id": noPerson, "$.user.guid": noPerson, "$.data.oId": none, "$.data.step.id": none, "$.data.pId": none,
	} {
		for _, text := range words {
			if got, warned := readID(t, path, text); got != "" || !warned {
				t.Errorf("%s %q is read as %q, warned %t", path, text, got, warned)
			}
		}
		for _, text := range ids {
			if got, warned := readID(t, path, text); got != text || warned {
				t.Errorf("%s %q is read as %q, warned %t", path, text, got, warned)
			}
		}
	}
	for _, path := range []string{"$.data.oId", "$.data.step.id"} {
		for _, text := range []string{"0", "true", "guest", "id", "unknown"} {
			if got, _ := readID(t, path, text); got != text {
				t.Errorf("%s %q is an item's id, read as %q", path, text, got)
			}
		}
	}
}

// readID decodes an event with text at path and returns what is read there, and whether there was a warning that it is no id.
func readID(t *testing.T, path, text string) (id string, warned bool) {
	t.Helper()
	quoted, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		t.Fatal(err)
	}
	value := string(quoted)
	var e Event
	var out *string
	var body string
	switch path {
	case "$.id":
		body, out = around(`"id": `+value, ""), &e.ID
	case "$.session":
		body, out = around(`"session": `+value, ""), &e.Session
	case "$.user.id":
		body, out = around(`"user": {"id": `+value+`}`, ""), &e.User.ID
	case "$.user.guid":
		body, out = around(`"user": {"guid": `+value+`}`, ""), &e.User.GUID
	case "$.data.oId":
		body, out = around("", `"oId": `+value), (*string)(&e.Data.ID)
	case "$.data.step.id":
		body, out = around("", `"step": {"id": `+value+`}`), (*string)(&e.Data.Step.ID)
	case "$.data.pId":
		body, out = around("", `"pId": `+value), &e.Data.PlayID
	}
	if err := Decode([]byte(body), &e); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return *out, slices.Contains(e.Warnings, event.Warning{Code: event.WarnNoID, Path: path})
}

func TestWarningsDoNotQuoteTheEvent(t *testing.T) {
	var e Event
	err := Decode([]byte(around(`"user": {"id": ["jane@doe.example"]}, "page": "jane@doe.example", "props": {"jane@doe.example\ud83d": "jane@doe.example\ud83d"}, "session": true`, `"oName": ["jane@doe.example"]`)), &e)
	if err != nil || len(e.Warnings) != 5 {
		t.Fatal(err, e.Warnings)
	}
	for _, w := range e.Warnings {
		if strings.Contains(w.Flag(), "jane") {
			t.Errorf("%+v", w)
		}
	}
}
