package openapi

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge"
)

// Every shape, encoding and place of the key is as the document wants it, is taken, and is answered as the document says, with every kind of result.
func TestEveryShapeOfARequestIsInTheDocument(t *testing.T) {
	c, err := read(schemas.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	e := start(t, startKafka(t), accounts, func(*edge.Config) {})
	events := operation{http.MethodPost, "/v1/events"}
	batch := operation{http.MethodPost, "/v1/batch"}
	call := operation{http.MethodPost, "/v1/{call}"}
	pixel := operation{http.MethodGet, "/v1/pixel.gif"}
	track := strings.Replace(message, "{", `{"type":"track",`, 1)
	for name, s := range map[string]struct {
		operation
		request
		says  string // of the answer: a part of its body, or its result
		wrong bool   // the request is not as the document wants it, and answered all the same
	}{
		"one event":          {events, post("/v1/events", view, nil), `"accepted":1`, false},
		"an array":           {events, post("/v1/events", "["+view+","+view+"]", nil), `"accepted":2`, false},
		"an envelope":        {events, post("/v1/events", `{"key":"`+key+`","sentAt":"2026-01-01T12:00:00Z","events":[`+view+`]}`, http.Header{"X-Write-Key": nil}), `"accepted":1`, false},
		"NDJSON":             {events, post("/v1/events", view+"\n"+view, http.Header{"Content-Type": {"application/x-ndjson"}}), `"accepted":2`, false},
		"sendBeacon":         {events, post("/v1/events", view, http.Header{"Content-Type": {"text/plain;charset=UTF-8"}, "Origin": {shop}}), `"accepted":1`, false},
		"Basic":              {events, post("/v1/events", view, http.Header{"X-Write-Key": nil, "Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(key+":"))}}), `"accepted":1`, false},
		"Bearer":             {events, post("/v1/events", view, http.Header{"X-Write-Key": nil, "Authorization": {"Bearer " + key}}), `"accepted":1`, false},
		"the client's clock": {events, post("/v1/events", view, http.Header{"X-Sent-At": {"1700000000500"}}), `"accepted":1`, false},
		"gzip":               {events, compressed("gzip"), `"accepted":1`, false},
		"zstd":               {events, compressed("zstd"), `"accepted":1`, false},
		"deflate":            {events, compressed("deflate"), `"accepted":1`, false},
		"br":                 {events, compressed("br"), `"accepted":1`, false},
		"a warning":          {events, post("/v1/events", strings.Replace(view, "{", `{"page":{"title":"`+strings.Repeat("t", 2000)+`"},`, 1), nil), `"code":"cut"`, true},
		"rejected":           {events, post("/v1/events", `{"time":1,"data":{}}`, nil), `"status":"rejected"`, true},
		"ignored":            {events, post("/v1/events", strings.Replace(view, "{", `{"consent":"denied",`, 1), nil), `"status":"ignored"`, false},
		"dropped":            {events, post("/v1/events", `{"time":1,"type":"noise","data":{"type":"custom"}}`, nil), `"status":"dropped"`, false},
		"a batch":            {batch, post("/v1/batch", `{"writeKey":"`+key+`","sentAt":"2026-01-01T12:00:00Z","context":{},"batch":[`+track+`,`+track+`]}`, http.Header{"X-Write-Key": nil}), `"accepted":2`, false},
		"a dead message":     {batch, post("/v1/batch", `{"batch":[{"type":"unheard"}]}`, nil), `"dead":1`, false},
		"a message":          {call, post("/v1/t", message, nil), `"success":true`, false},
		"a picture": {pixel, picture("type=open&item=resource&id=7&name=N&guid=g&user=u&session=s&url=https://a.example/&title=T&referrer=https://b.example/&environment=test" +
			"&event_id=e&time=1700000000000&consent=granted&props.plan=pro&_=1"), "accepted", false},
		"a picture, JSON":      {pixel, picture("event=" + url.QueryEscape(view)), "accepted", false},
		"a picture, base64url": {pixel, picture("event=" + base64.RawURLEncoding.EncodeToString([]byte(view))), "accepted", false},
		"a picture of nothing": {pixel, picture(""), "rejected:missing_field", false},
		"a refused picture":    {pixel, picture("type=view&item=page&consent=denied"), "ignored:not_collected", false},
		"a dropped picture":    {pixel, picture("event=" + url.QueryEscape(`{"time":1,"type":"noise","data":{"type":"custom"}}`)), "dropped:drop_list", false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.right(t, s.request); (err != nil) != s.wrong {
				t.Errorf("the request is wrong: %t, %v", s.wrong, err)
			}
			got := s.send(t, e)
			if !strings.Contains(string(got.text), s.says) && got.header.Get("X-Waymark-Result") != s.says {
				t.Errorf("%d %s, want %s", got.status, got.text, s.says)
			}
			if err := c.answered(t, s.operation, got); err != nil {
				t.Errorf("%v: %s", err, got.text)
			}
		})
	}
}

// The published examples of events are events by the document, too.
func TestThePublishedEventsAreInTheDocument(t *testing.T) {
	c, err := read(schemas.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(schemas.Examples(), "*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d examples, %v", len(names), err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(schemas.Examples(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.right(t, post("/v1/events", string(text), nil)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var event map[string]any
		if err := json.Unmarshal(text, &event); err != nil {
			t.Fatal(err)
		}
		event["time"] = "now"
		wrong, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.right(t, post("/v1/events", string(wrong), nil)); err == nil {
			t.Errorf("%s: a time in words is right", name)
		}
	}
}

// post is a request with the key in its header; more replaces headers, nil takes them out.
func post(path, body string, more http.Header) request {
	r := request{method: http.MethodPost, path: path, body: body, header: http.Header{"Content-Type": {"application/json"}, "X-Write-Key": {key}}}
	for name, values := range more {
		if r.header.Del(name); values != nil {
			r.header[name] = values
		}
	}
	return r
}

func picture(query string) request {
	return request{method: http.MethodGet, path: "/v1/pixel.gif?key=" + key + "&" + query, header: http.Header{}}
}

// compressed is one event in an encoding.
func compressed(encoding string) request {
	r := post("/v1/events", encoded(encoding, view), http.Header{"Content-Encoding": {encoding}})
	r.plain = view
	return r
}

func encoded(encoding, text string) string {
	var out bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	case "br":
		w = brotli.NewWriter(&out)
	default:
		w, _ = zstd.NewWriter(&out) // without options it cannot fail
	}
	_, _ = io.WriteString(w, text) // a buffer takes everything
	_ = w.Close()
	return out.String()
}
