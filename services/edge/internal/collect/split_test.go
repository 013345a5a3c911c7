package collect

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// pieces splits body and returns the events' bytes, or the refusal's code.
func pieces(t testing.TB, body, contentType string) []string {
	t.Helper()
	h := &Handler{limits: testLimits}
	sent, refused := h.split([]byte(body), contentType)
	if refused != nil {
		return []string{fmt.Sprintf("%d %s", refused.status, refused.code)}
	}
	var out []string
	for _, p := range sent.events {
		out = append(out, string(p.value))
	}
	return out
}

func TestSplit(t *testing.T) {
	const ndjson = "application/x-ndjson"
	const bad, none, ambiguous, many = "400 malformed_json", "400 no_events", "400 ambiguous", "413 too_many_events"
	pretty := "{\n  \"a\": {\n    \"b\": \"x\"\n  }\n}"
	for name, c := range map[string]struct {
		body, contentType string
		want              []string
	}{
		"two lists of events":                   {`{"events":[{"a":1}],"key":"k","events":[{"b":2},{"c":3}]}`, "", []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}},
		"two lists, one name escaped":           {`{"events":[{"a":1}],"\u0065vents":[{"b":2}]}`, "", []string{`{"a":1}`, `{"b":2}`}},
		"two lists, one empty":                  {`{"events":[{"a":1}],"events":[]}`, "", []string{`{"a":1}`}},
		"two lists, together too many":          {`{"events":[1,2,3],"events":[4,5,6]}`, "", []string{many}},
		"two keys":                              {`{"key":"a","events":[{}],"key":"b"}`, "", []string{ambiguous}},
		"an event with a list of events":        {`{"time":1,"type":"play","data":{},"events":[{"a":1}]}`, "", []string{ambiguous}},
		"a list of events beside a type":        {`{"type":"batch","events":[{"a":1}]}`, "", []string{`{"a":1}`}},
		"an envelope, padded":                   {"\xef\xbb\xbf\r\n{ \"events\" :\t[ {} , {\"a\" : 1} ] }\n", "", []string{`{}`, `{"a" : 1}`}},
		"an envelope without events":            {`{"events":[]}`, "", []string{none}},
		"an envelope cut off":                   {`{"events":[{"a":1}]`, "", []string{bad}},
		"an envelope with a comma too many":     {`{"events":[{"a":1}],}`, "", []string{bad}},
		"an envelope and more":                  {`{"events":[{"a":1}]} x`, "", []string{bad}},
		"two envelopes":                         {`{"events":[{"a":1}]}{"events":[{"b":1}]}`, "", []string{`{"events":[{"a":1}]}`, `{"events":[{"b":1}]}`}},
		"objects in a row":                      {`{"a":1}{"b":2}{"c":3}`, "", []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}},
		"objects in a row, as a form":           {`{"a":1}{"b":2}`, "application/x-www-form-urlencoded", []string{`{"a":1}`, `{"b":2}`}},
		"objects in a row, spaced":              {"{\"a\":1} \t{\"b\":2}\r{\"c\":3}", "", []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}},
		"objects in a row, called NDJSON":       {"{\"a\":1}{\"b\":2}\n{\"c\":3}", ndjson, []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}},
		"objects over several lines":            {pretty + "\n" + pretty + pretty, "", []string{pretty, pretty, pretty}},
		"a text sequence (RFC 7464)":            {"\x1e{\"a\":1}\n\x1e{\"b\":2}\n", ndjson, []string{`{"a":1}`, `{"b":2}`}},
		"files put together":                    {"\xef\xbb\xbf{\"a\":1}\n\xef\xbb\xbf{\"b\":2}", "", []string{`{"a":1}`, `{"b":2}`}},
		"brackets within strings":               {`{"a":"}{\"]["}{"b":"\\"}`, "", []string{`{"a":"}{\"]["}`, `{"b":"\\"}`}},
		"a broken line among lines":             {"{\"a\":1}\n{\"b\":\n{\"c\":3}", "", []string{`{"a":1}`, `{"b":`, `{"c":3}`}},
		"a broken first line":                   {"{\"b\":\n{\"c\":3}\n{\"d\":4}", "", []string{`{"b":`, `{"c":3}`, `{"d":4}`}},
		"an object that never ends":             {"{\"x\":\n{\"a\":\n1}\n{\"b\":2}", "", []string{`{"x":`, `{"a":`, `1}`, `{"b":2}`}},
		"a line end within a string":            {"{\"a\":\"x\ny\"}{\"b\":2}", "", []string{"{\"a\":\"x\ny\"}", `{"b":2}`}},
		"a string that lacks its end":           {"{\"a\":\"x}\n{\"b\":\"y\"}\n{\"c\":3}", "", []string{`{"a":"x}`, `{"b":"y"}`, `{"c":3}`}},
		"an envelope of too many objects":       {`{"events":[{},{},{},{},{},{},{}]}`, "", []string{many}},
		"a string that does not end":            {"{\"b\":\"x\n{\"c\":3}", "", []string{`{"b":"x`, `{"c":3}`}},
		"a line with a bracket too many":        {"{\"a\":1}}\n{\"c\":3}", "", []string{`{"a":1}}`, `{"c":3}`}},
		"lines with commas":                     {"{\"a\":1},\n{\"b\":2}", "", []string{`{"a":1},`, `{"b":2}`}},
		"lines that are no objects":             {"{\"a\":1}\n17\n\"x\"\n[1]\nnull", ndjson, []string{`{"a":1}`, `17`, `"x"`, `[1]`, `null`}},
		"an object over lines, called NDJSON":   {"{\n\"a\":1}", ndjson, []string{`{`, `"a":1}`}},
		"an object cut off":                     {`{"a":{"b":1}`, "", []string{bad}},
		"an object over lines, cut off":         {"{\n  \"a\": {\n    \"b\": 1\n  }", "", []string{bad}},
		"an array":                              {` [ {"a":1} , 17 , "x,]" , [ ] , null , {"b":"]"} ] `, "", []string{many}},
		"an array of all kinds":                 {` [ {"a":1} , 17 , "x,]" , [ ] , null ] `, "", []string{`{"a":1}`, `17`, `"x,]"`, `[ ]`, `null`}},
		"an array with a broken event":          {`[{"a":1},{"b" 2},{"c":3}]`, "", []string{`{"a":1}`, `{"b" 2}`, `{"c":3}`}},
		"an array with a line end in a string":  {"[{\"a\":\"x\ny\"},{\"c\":3}]", "", []string{"{\"a\":\"x\ny\"}", `{"c":3}`}},
		"an array with a comma too many":        {`[{"a":1},]`, "", []string{bad}},
		"an array with an element missing":      {`[{"a":1},,{"b":2}]`, "", []string{bad}},
		"an array without commas":               {`[{"a":1} {"b":2}]`, "", []string{bad}},
		"an array in an array":                  {`[[{"a":1}]]`, "", []string{`[{"a":1}]`}},
		"arrays in a row":                       {`[{"a":1}][{"b":2}]`, "", []string{bad}},
		"text":                                  {`a=1&b=2`, "", []string{bad}},
		"a string":                              {`"{}"`, "", []string{bad}},
		"blank":                                 {" \n\t\r ", "", []string{none}},
		"only a byte order mark":                {"\xef\xbb\xbf", "", []string{none}},
		"a trailing record separator and blank": {"{\"a\":1}\n\x1e \n", ndjson, []string{`{"a":1}`}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := pieces(t, c.body, c.contentType); strings.Join(got, "\x00") != strings.Join(c.want, "\x00") {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A batch member that is no event is refused at its place; its neighbours are stored.
func TestAMemberThatIsNoObjectIsRejectedAtItsPlace(t *testing.T) {
	h, s := newHandler(t, testLimits)
	w, got := post(t, h, `{"events":[17,`+good("a")+`,null,[],"`+`"]}`)
	if w.Code != 200 || got.Accepted != 1 || got.Rejected != 4 || len(s.stored) != 1 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for i, r := range got.Results {
		if r.Index != i || (i == 1) != (r.Status == accepted) || i != 1 && (r.Code != "not_an_object" || r.Path != "$") {
			t.Errorf("result %d: %+v", i, r)
		}
	}
}

// What a client without any key may make the edge allocate is bounded by the number of events, not by their smallness.
func TestSplittingStopsAtTheLimitOfEvents(t *testing.T) {
	const size = 10 << 20
	h := &Handler{limits: Limits{EventBytes: 32 << 10, BatchEvents: 500, Depth: 32}}
	for name, c := range map[string]struct{ body, contentType string }{
		"an array of zeros":          {"[" + strings.Repeat("0,", size/2) + "0]", ""},
		"an array of empty objects":  {"[" + strings.Repeat("{},", size/3) + "{}]", ""},
		"an envelope":                {`{"events":[` + strings.Repeat("0,", size/2) + "0]}", ""},
		"many envelopes in one":      {"{" + strings.Repeat(`"events":[0],`, size/13) + `"events":[]}`, ""},
		"lines":                      {strings.Repeat("0\n", size/2), "application/x-ndjson"},
		"objects in a row":           {strings.Repeat("{}", size/2), ""},
		"objects in a row on a line": {strings.Repeat("{}", size/2), "application/x-ndjson"},
		"an event of many members":   {"{" + strings.Repeat(`"":0,`, size/5) + `"a":1}`, ""},
		"many members, escaped":      {`{"events":[],` + strings.Repeat(`"\n":"\n",`, size/10), ""},
		"a long key":                 {`{"events":[1],"key":"` + strings.Repeat("k", size) + `"}`, ""},
		"a long name":                {`{"events":[1],"` + strings.Repeat("k", size) + `":0}`, ""},
		"a long moment":              {`{"events":[1],"sentAt":` + strings.Repeat("1", size) + `}`, ""},
		"broken lines":               {"{}\n" + strings.Repeat("{\"\n", size/3), ""},
		"lines that never end":       {"{}\n" + strings.Repeat("{\n", size/2), ""},
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(c.body)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, refused := h.split(body, c.contentType)
			runtime.ReadMemStats(&after)
			if want := !strings.Contains(name, "long") && !strings.Contains(name, "members"); want && (refused == nil || refused.code != "too_many_events") {
				t.Errorf("refusal %+v", refused)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 256<<10 {
				t.Errorf("%d KiB were allocated to split %d MiB", got>>10, len(body)>>20)
			}
		})
	}
}

// Whatever is split, each event's bytes stand in the body, in order and apart.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{`[{"a":1},2]`, `{"key":"k","events":[{}],"events":[1]}`, "{}{}\n{\"a\":\n{}", "\x1e{}\n", "{\"a\":\"\\\"}\n\"}", "[[]", `{"\u0065vents":[]}`} {
		f.Add([]byte(seed), "")
		f.Add([]byte(seed), "application/x-ndjson")
	}
	h := &Handler{limits: testLimits}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		sent, refused := h.split(body, contentType)
		if refused != nil {
			if refused.status < 400 || refused.status > 413 || refused.message == "" {
				t.Fatalf("refusal %+v", refused)
			}
			return
		}
		if len(sent.events) == 0 || len(sent.events) > testLimits.BatchEvents {
			t.Fatalf("%d events", len(sent.events))
		}
		rest := body
		for _, p := range sent.events {
			at := bytes.Index(rest, p.value)
			if len(p.value) == 0 || at < 0 {
				t.Fatalf("event %q does not follow in %q", p.value, body)
			}
			rest = rest[at+len(p.value):]
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	event := `{"time":1700000000000,"type":"step","data":{"type":"wt","oId":124909,"oName":"Log in","step":{"id":"s1","index":1}},"page":{"url":"https://shop.example/a/b?c=d"},"props":{"plan":"pro"}}`
	body := []byte(`{"key":"k","events":[` + strings.Repeat(event+",", 99) + event + `]}`)
	h := &Handler{limits: Limits{BatchEvents: 500}}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, refused := h.split(body, ""); refused != nil {
			b.Fatal(refused)
		}
	}
}
