package pipeline

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// What a client sent oddly is stored as far as it can be, and row and answer say what was done.
func TestAnIncidentalMemberCostsNoEvent(t *testing.T) {
	p := use(t)
	long := strings.Repeat("t", 1500)
	for name, c := range map[string]struct {
		members string // of an event; time, type and data.type are there
		data    string // of its data
		row     map[string]any
		flags   []any
	}{
		"a user's id as a number":     {`"user":{"guid":"g","id":12345}`, "", map[string]any{"user_id": "12345", "visitor_id": "g"}, []any{"converted:user.id"}},
		"a screen's fractions":        {`"env":{"screen":{"width":1279.5652,"height":"864"}}`, "", map[string]any{"screen_width": 1280, "screen_height": 864}, []any{"converted:env.screen.width", "converted:env.screen.height"}},
		"a title too long":            {`"page":{"title":"` + long + `"}`, "", map[string]any{"page_title": long[:1024]}, []any{"cut:page.title"}},
		"a title cut within an emoji": {`"page":{"title":"Sale \ud83d"}`, "", map[string]any{"page_title": "Sale \ufffd"}, []any{"replaced:page.title"}},
		"a title in Latin 1":          {"\"page\":{\"title\":\"caf\xe9\"}", "", map[string]any{"page_title": "caf\ufffd"}, []any{"replaced:page.title"}},
		"a property cut in an emoji":  {`"props":{"v\ud83d":"\udc00"}`, "", map[string]any{"props": map[string]any{"v\ufffd": "\ufffd"}}, []any{"replaced:props"}},
		"a property beyond floats":    {`"props":{"v":1e400,"w":-1e-400}`, "", map[string]any{"props": map[string]any{"v": "1e400", "w": "-1e-400"}}, []any{"converted:props"}},
		"properties as a list":        {`"props":[1,2]`, "", map[string]any{"props": map[string]any{"_rest": "[1,2]"}}, []any{"kept_as_text:props"}},
		"no visitor":                  {`"user":{"guid":"undefined","id":"u-1"}`, "", map[string]any{"user_id": "u-1"}, []any{"no_id:user.guid"}},
		"no session, odd item":        {`"session":"null"`, `"oId":1.5,"oName":true`, map[string]any{"session_id": "", "item_id": "1.5", "item_name": "true"}, []any{"no_id:session", "converted:data.oId", "converted:data.oName"}},
		"credentials":                 {`"page":{"url":" https://user:pw@h.example/p","referrer":"\\\\user:pw@h.example\\p"}`, "", map[string]any{"url": "https://h.example/p", "url_host": "h.example", "referrer": `\\h.example\p`}, []any{"redacted:page.url", "redacted:page.referrer"}},
		"a NUL":                       {`"page":{"title":"a\u0000b"}`, "", map[string]any{"page_title": "a\x00b"}, []any{}},
	} {
		t.Run(name, func(t *testing.T) {
			p := running{p.Pipeline, t}
			body := fmt.Sprintf(`{"time":%d,"type":"view",%s,"data":{"type":"page"%s}}`, time.Now().UnixMilli(), c.members, comma(c.data))
			status, results := p.send(post{key: keyUS, body: body})
			if status != 200 || len(results) != 1 || results[0].Status != "accepted" {
				t.Fatalf("answer %d %+v", status, results)
			}
			var told []any
			for _, w := range results[0].Warnings {
				told = append(told, w.Code+":"+strings.TrimPrefix(w.Path, "$."))
			}
			if fmt.Sprint(told) != fmt.Sprint(c.flags) && !strings.HasPrefix(fmt.Sprint(c.flags), "[redacted:") {
				t.Errorf("the answer warns of %v, want %v", told, c.flags)
			}
			p.settle()
			row := p.row("us", results[0].ID)
			c.row["flags"] = c.flags
			p.same(row, c.row)
		})
	}
}

func comma(members string) string {
	if members == "" {
		return ""
	}
	return "," + members
}

// A reading beyond what the table holds is stored as the nearest that it holds, never as one of another century, and flagged.
func TestClientTimesBeyondTheTableAreFlagged(t *testing.T) {
	p := use(t)
	for text, flags := range map[string][]any{"2261-01-01T00:00:00Z": {}, "2300-01-01T00:00:00Z": {"clamped:time"}, "9999-12-31T00:00:00Z": {"clamped:time"}, "1890-01-01T00:00:00Z": {"clamped:time"}} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		id := p.accept(post{key: keyUS, body: fmt.Sprintf(`{"time":%d,"type":"view","data":{"type":"page"}}`, at.UnixMilli())})[0]
		p.settle()
		row := p.row("us", id)
		p.same(row, map[string]any{"flags": flags})
		stored := moment(t, row["client_time"])
		switch {
		case len(flags) == 0 && !stored.Equal(at), at.Year() > 2262 && stored.Year() < 2262, at.Year() < 1900 && stored.Year() != 1900:
			t.Errorf("%s is stored as %v", text, stored)
		}
	}
}

// An event of few bytes and thousands of names leaves few columns, and nothing of it is lost.
func TestManyPropertyNamesAreKeptInOnePlace(t *testing.T) {
	p := use(t)
	sent := map[string]any{}
	for i := range 2000 {
		sent[fmt.Sprintf("name%d", i)] = i
	}
	props, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	id := p.accept(post{key: keyUS, body: fmt.Sprintf(`{"time":%d,"type":"view","data":{"type":"page"},"props":%s}`, time.Now().UnixMilli(), props)})[0]
	p.settle()
	row := p.row("us", id)
	p.same(row, map[string]any{"flags": []any{"kept_as_text:props"}})
	kept, ok := row["props"].(map[string]any)
	if !ok {
		t.Fatalf("props are %v", row["props"])
	}
	rest := map[string]any{}
	if err := json.Unmarshal([]byte(fmt.Sprint(kept["_rest"])), &rest); err != nil {
		t.Fatal(err)
	}
	if len(kept) != 257 || len(rest) != 2000-256 {
		t.Errorf("%d names are kept, %d are in the rest", len(kept), len(rest))
	}
	delete(kept, "_rest")
	for name, value := range kept {
		rest[name] = value
	}
	got, want := jsontext.Value(text(t, rest)), jsontext.Value(props)
	if got.Canonicalize() != nil || want.Canonicalize() != nil || string(got) != string(want) {
		t.Error("props and their rest are not what was sent")
	}
}

func TestAnIPv4AddressWithinIPv6IsMasked(t *testing.T) {
	p := use(t)
	for address, masked := range map[string]string{
		"2002:808:808::1": "2002:808:800::", "::ffff:8.8.8.8": "8.8.8.0", "64:ff9b::808:808": "64:ff9b::", "2001:0:4136:e378:8000:63bf:f7f7:f7f7": "2001:0:4136::",
	} {
		id := p.accept(post{key: keyUS, ip: address, body: fmt.Sprintf(`{"time":%d,"type":"view","data":{"type":"page"}}`, time.Now().UnixMilli())})[0]
		p.settle()
		p.same(p.row("us", id), map[string]any{"ip_masked": masked})
	}
}
