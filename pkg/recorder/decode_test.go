package recorder

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/waymark-events/waymark/pkg/event"
)

func ptr[T any](v T) *T { return &v }

// full has every member of the wire format once.
const full = `{
  "id": "c7a1", "time": 1551784021123.75, "type": "play", "session": "s-1",
  "data": {"type": "wt", "oId": 124909, "oName": "Log in", "pId": "1551784021000-124909-6f1c",
    "step": {"id": "s1", "index": 0, "count": 5, "name": "Open \u201cmenu\u201d"},
    "preview": true, "iteration": 2, "language": "de", "dismissReason": "snoozed",
    "pInit": {"type": "launcher"}, "error": {"code": 1}, "goal": {"main": true}, "lesson": {"id": 1}, "quiz": {"score": 0.5}, "answers": [],
    "query": "q", "result": null, "action": {}, "rule": {}, "event": "e"},
  "env": {"browser": {"name": "Chrome", "version": "72", "string": "Chrome 72.0.3626.121"}, "os": {"name": "Windows", "version": "10", "string": "Windows 10"},
    "screen": {"width": 1920, "height": 1080}, "language": "en-US", "timezone": "America/New_York"},
  "page": {"url": "https://a.example/x?y#z", "title": "Pink Alligator - ShopMe", "referrer": "https://b.example/"},
  "user": {"guid": "g", "id": "u", "provider": "cookie", "traits": {"plan": "pro"}},
  "company": {"id": "acme"}, "environment": "test",
  "consent": {"status": "granted", "purposes": {"analytics": true, "ads": false}},
  "props": {"a": [1, {"b": null}]}, "library": {"name": "recorder.js", "version": "4.2.0"},
  "unknown": {"is": ["ignored"]}
}`

func TestDecodeReadsEveryMember(t *testing.T) {
	want := Event{
		ID: "c7a1", Time: 1551784021123, Type: "play", Session: "s-1",
		Data: Data{
			Type: "wt", ID: "124909", Name: "Log in", PlayID: "1551784021000-124909-6f1c",
			Step:    Step{ID: "s1", Index: ptr[int32](0), Count: 5, Name: "Open “menu”"},
			Preview: true, Iteration: 2, Language: "de", DismissReason: "snoozed",
			Init: jsontext.Value(`{"type": "launcher"}`), Error: jsontext.Value(`{"code": 1}`), Goal: jsontext.Value(`{"main": true}`),
			Lesson: jsontext.Value(`{"id": 1}`), Quiz: jsontext.Value(`{"score": 0.5}`), Answers: jsontext.Value(`[]`), Query: jsontext.Value(`"q"`),
			Result: jsontext.Value(`null`), Action: jsontext.Value(`{}`), Rule: jsontext.Value(`{}`), Event: jsontext.Value(`"e"`),
		},
		Env: Env{
			Browser: Software{"Chrome", "72", "Chrome 72.0.3626.121"}, OS: Software{"Windows", "10", "Windows 10"},
			Screen: Screen{1920, 1080}, Language: "en-US", Timezone: "America/New_York",
		},
		Page:    Page{"https://a.example/x?y#z", "Pink Alligator - ShopMe", "https://b.example/"},
		User:    User{GUID: "g", ID: "u", Provider: "cookie", Traits: jsontext.Value(`{"plan": "pro"}`)},
		Company: Company{ID: "acme"}, Environment: "test",
		Consent: Consent{Status: "granted", Purposes: []event.Purpose{{Name: "analytics", Granted: true}, {Name: "ads"}}},
		Props:   jsontext.Value(`{"a": [1, {"b": null}]}`), Library: Library{"recorder.js", "4.2.0"},
	}
	got := Event{ID: "left over from the event before"}
	if err := Decode([]byte(full), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeCopiesItsStrings(t *testing.T) {
	value := []byte(full)
	var copied, aliased Event
	if err := errors.Join(Decode(value, &copied), DecodeUnsafe(value, &aliased)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(copied, aliased); diff != "" {
		t.Error(diff)
	}
	clear(value)
	if copied.Data.Name != "Log in" || aliased.Data.Name == "Log in" {
		t.Errorf("after the value is gone: %q of Decode, %q of DecodeUnsafe", copied.Data.Name, aliased.Data.Name)
	}
}

func TestNullCountsAsAbsent(t *testing.T) {
	var got Event
	err := Decode([]byte(`{"id": null, "time": 1, "type": "view", "session": null, "data": {"type": "page", "oId": null, "step": {"index": null}, "pInit": null, "query": null},
		"env": null, "page": {"url": null}, "user": null, "props": null, "library": {"name": null}}`), &got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Event{Time: 1, Type: "view", Data: Data{Type: "page"}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeReadsNumbers(t *testing.T) {
	for sent, want := range map[string]Event{
		`"time": 0`:                                 {},
		`"time": -86400000.9`:                       {Time: -86_400_000},
		`"time": 1.5e12`:                            {Time: 1_500_000_000_000},
		`"time": 8640000000000000`:                  {Time: MaxTime},
		`"time": 0, "data.oId": -0`:                 {Data: Data{ID: "0"}},
		`"time": 0, "data.oId": 1e3`:                {Data: Data{ID: "1000"}},
		`"time": 0, "data.oId": 42.0`:               {Data: Data{ID: "42"}},
		`"time": 0, "data.oId": 9007199254740991`:   {Data: Data{ID: "9007199254740991"}},
		`"time": 0, "data.oId": "9007199254740993"`: {Data: Data{ID: "9007199254740993"}},
		`"time": 0, "data.oId": "007"`:              {Data: Data{ID: "007"}},
	} {
		t.Run(sent, func(t *testing.T) {
			want.Type, want.Data.Type = "view", "page"
			time, id, _ := strings.Cut(sent, `, "data.oId": `)
			if id == "" {
				id = "null"
			}
			var got Event
			if err := Decode([]byte(`{`+time+`, "type": "view", "data": {"type": "page", "oId": `+id+`}}`), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	long := func(n int) string { return `"` + strings.Repeat("é", n+1) + `"` }
	for name, c := range map[string]struct {
		value  string
		reason event.Reason
		path   string
	}{
		"nothing":                       {"", event.ReasonMalformedJSON, ""},
		"text":                          {"play", event.ReasonMalformedJSON, ""},
		"a cut event":                   {full[:len(full)/2], event.ReasonMalformedJSON, ""},
		"two events":                    {full + full, event.ReasonMalformedJSON, ""},
		"a comma too many":              {`{"time": 1, "type": "play", "data": {"type": "wt",}}`, event.ReasonMalformedJSON, ""},
		"a leading zero":                {`{"time": 01, "type": "play", "data": {"type": "wt"}}`, event.ReasonMalformedJSON, ""},
		"a name twice":                  {`{"time": 1, "time": 2}`, event.ReasonMalformedJSON, "$"},
		"a name twice below":            {`{"data": {"oId": 1, "oId": 2}}`, event.ReasonMalformedJSON, "$.data"},
		"a name twice, once escaped":    {`{"data": {"oId": 1, "\u006fId": 2}}`, event.ReasonMalformedJSON, "$.data"},
		"a name twice in props":         {`{"props": {"jane@doe.example": {"a": 1, "a": 2}}}`, event.ReasonMalformedJSON, "$.props"},
		"a name twice in what we skip":  {`{"other": {"a": 1, "a": 2}}`, event.ReasonMalformedJSON, "$"},
		"deep nesting":                  {`{"props": ` + strings.Repeat(`{"a":`, 20_000), event.ReasonTooDeep, ""},
		"an array":                      {`[]`, event.ReasonNotAnObject, "$"},
		"null":                          {`null`, event.ReasonNotAnObject, "$"},
		"no time":                       {`{"type": "play", "data": {"type": "wt"}}`, event.ReasonMissingField, "$.time"},
		"time null":                     {`{"time": null, "type": "play", "data": {"type": "wt"}}`, event.ReasonMissingField, "$.time"},
		"no type":                       {`{"time": 1, "data": {"type": "wt"}}`, event.ReasonMissingField, "$.type"},
		"type empty":                    {`{"time": 1, "type": "", "data": {"type": "wt"}}`, event.ReasonMissingField, "$.type"},
		"no data":                       {`{"time": 1, "type": "play"}`, event.ReasonMissingField, "$.data.type"},
		"no data.type":                  {`{"time": 1, "type": "play", "data": {}}`, event.ReasonMissingField, "$.data.type"},
		"time a string":                 {`{"time": "2019-03-05"}`, event.ReasonWrongType, "$.time"},
		"time beyond what a Date holds": {`{"time": 8640000000000001}`, event.ReasonOutOfRange, "$.time"},
		"time beyond float64":           {`{"time": 1e400}`, event.ReasonOutOfRange, "$.time"},
		"time in a string":              {`{"time": "1551784021123"}`, event.ReasonWrongType, "$.time"},
		"data a string":                 {`{"data": "wt"}`, event.ReasonWrongType, "$.data"},
		"type a number":                 {`{"type": 1}`, event.ReasonWrongType, "$.type"},
		"type long":                     {`{"type": ` + long(MaxWord) + `}`, event.ReasonOutOfRange, "$.type"},
		"data.type long":                {`{"data": {"type": ` + long(MaxWord) + `}}`, event.ReasonOutOfRange, "$.data.type"},
		"type cut within an emoji":      {`{"type": "play\ud83d"}`, event.ReasonInvalidUTF8, "$.type"},
		"type that is not UTF-8":        {"{\"type\": \"pl\xe9y\"}", event.ReasonInvalidUTF8, "$.type"},
		"not UTF-8 outside of a string": {"{\"time\": 1, \xff}", event.ReasonMalformedJSON, ""},
		"half a pair, and then no JSON": {`{"props": {"a": "\ud83d"}, "time": }`, event.ReasonMalformedJSON, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := event.AsRejection(Decode([]byte(c.value), new(Event)))
			if got == nil {
				t.Fatal("accepted")
			}
			if got.Reason != c.reason || got.Path != c.path {
				t.Errorf("got %s at %q (%v), want %s at %q", got.Reason, got.Path, got.Err, c.reason, c.path)
			}
		})
	}
}

func TestRejectionsDoNotQuoteTheEvent(t *testing.T) {
	for _, value := range []string{
		`{"jane@doe.example": 1, "jane@doe.example": 2}`, `{"props": {"jane@doe.example": {"x": 1, "x": 1}}}`, `{"type": 1, "jane@doe.example"}`,
		`{"time": "jane@doe.example"}`, `{"data": "jane@doe.example"}`, `"jane@doe.example"`,
	} {
		got := event.AsRejection(Decode([]byte(value), new(Event)))
		if got == nil || strings.Contains(got.Error()+got.Path, "jane") {
			t.Errorf("%s: %v at %s", value, got, got.Path)
		}
	}
}

func TestKnown(t *testing.T) {
	for wire, want := range map[string]string{"wt": event.Walkthru, "walkthru": event.Walkthru, "sv": event.Survey, "custom": event.Custom} {
		if got, known := (&Event{Data: Data{Type: wire}}).ItemType(); !known || got != want {
			t.Errorf("%s: %q, %v", wire, got, known)
		}
	}
	if _, known := (&Event{Data: Data{Type: "WT"}}).ItemType(); known {
		t.Error("WT is known; types are case-sensitive")
	}
	for _, itemType := range event.ItemTypes() {
		found := itemType == event.UserItem // the recorder says those things of every event
		for _, mapped := range wireItems {
			found = found || mapped == itemType
		}
		if !found || len(event.ItemEvents(itemType)) == 0 {
			t.Errorf("%s has no wire name or no events", itemType)
		}
	}
	if !event.Known(event.Task, "complete") || event.Known(event.Task, "play") || event.Known("wt", "play") {
		t.Error("task has click and complete, and wire names are no item types")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(`{"time": 1, "type": "play", "data": {"type": "wt"}}`))
	f.Add([]byte(`{"time": 1, "type": "play", "data": {"type": "wt", "oName": "\ud83d", "query": "\udc00\ud83d\ude00"}, "props": {"\ud83d": 1e999}, "user": {"id": 5}}`))
	f.Add([]byte("{\"time\": 1, \"type\": \"play\", \"data\": {\"type\": \"wt\"}, \"props\": {\"\xff\": \"\xc3\"}, \"page\": {\"title\": 1.5}}"))
	f.Add([]byte(`{"props": {"\ud83d\ude00": [1e5, "\\"]}, "data": {"query": "\u0000"}}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		var e Event
		err := Decode(value, &e)
		if err != nil {
			if r := event.AsRejection(err); r == nil || r.Reason == "" || r.Err == nil {
				t.Fatalf("no usable rejection: %#v", err)
			}
			return
		}
		if !jsontext.Value(value).IsValid(jsontext.AllowInvalidUTF8(true)) {
			t.Fatal("accepted what is no JSON")
		}
		if !utf8.ValidString(e.Type + e.Data.Type + e.Data.Name + e.Data.PlayID + e.Page.URL + e.Page.Title + e.User.ID + e.User.GUID + e.Session + string(e.Data.ID)) {
			t.Fatalf("accepted what is no Unicode: %+v", e)
		}
		if e.Type == "" || e.Data.Type == "" || utf8.RuneCountInString(e.Data.Name) > MaxName || utf8.RuneCountInString(e.User.ID) > MaxID {
			t.Fatalf("accepted an unusable event: %+v", e)
		}
		for i, w := range e.Warnings {
			if !slices.Contains(event.WarningCodes, w.Code) || !strings.HasPrefix(w.Path, "$.") || slices.Contains(e.Warnings[:i], w) {
				t.Fatalf("warnings %v", e.Warnings)
			}
		}
		for _, raw := range []jsontext.Value{e.Props, e.Data.Init, e.Data.Answers, e.Data.Query, e.Data.Event, e.User.Traits} {
			if raw != nil && !raw.IsValid() {
				t.Fatalf("a raw member is no JSON: %q", raw)
			}
		}
		if again := new(Event); Decode(value, again) != nil || !cmp.Equal(e, *again) {
			t.Fatalf("decoded again it is %+v, was %+v", again, e)
		}
	})
}

// BenchmarkDecode is bound by the JSON library's tokens: validating the same text alone costs two thirds of it.
func BenchmarkDecode(b *testing.B) {
	value := []byte(full)
	for name, decode := range map[string]func([]byte, *Event) error{"copy": Decode, "unsafe": DecodeUnsafe} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(value)))
			b.ReportAllocs()
			var e Event
			for b.Loop() {
				if err := decode(value, &e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
