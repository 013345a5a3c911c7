package openapi

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge"
)

// unmet are the statuses that no request can bring about.
var unmet = map[string]string{
	"500": "it is a bug of the edge: services/edge/internal/collect breaks the handling on purpose",
}

// A way makes of the request that an operation answers 200 or 204 one that it answers with another status.
type way struct {
	to     func(edges) string // the edge that is asked; nil for the usual one
	change func(t *testing.T, edge string, r *request)
	until  bool // it is answered so once there were several
}

// edges are those that the tests run: as usual, one that knows no account, and one that limits its clients.
type edges struct{ usual, empty, limited string }

// ways are how each status is come by.
var ways = map[string]way{
	"200": {},
	"204": {},
	"206": {change: header("Range", "bytes=0-9")},
	"304": {change: func(t *testing.T, edge string, r *request) {
		resp, _ := r.send(t, edge)
		r.header.Set("If-None-Match", resp.Header.Get("ETag"))
	}},
	"400": {change: func(_ *testing.T, _ string, r *request) {
		r.body = "["
		r.addQuery("bad=%zz")
	}},
	"401": {change: swapKey("wk_of_nobody")},
	"403": {change: header("Origin", stranger)},
	"404": {change: func(_ *testing.T, _ string, r *request) {
		for _, known := range []string{"/identify", "/track"} {
			r.path = strings.Replace(r.path, known, "/nothing", 1)
		}
		r.path = hash.ReplaceAllString(r.path, ".0123456789abcdef.js")
	}},
	"405": {change: func(_ *testing.T, _ string, r *request) { r.method = http.MethodPatch }},
	"408": {change: func(_ *testing.T, _ string, r *request) { r.slow = true }},
	"412": {change: header("If-Match", `"another"`)},
	"413": {change: func(_ *testing.T, _ string, r *request) { r.body = strings.Repeat(" ", 2<<20) }},
	"414": {change: func(_ *testing.T, _ string, r *request) { r.addQuery("more=" + strings.Repeat("x", 9<<10)) }},
	"415": {change: header("Content-Encoding", "compress")},
	"416": {change: header("Range", "bytes=99999999-")},
	"421": {change: swapKey(farKey)},
	"429": {to: func(e edges) string { return e.limited }, until: true},
	"503": {to: func(e edges) string { return e.empty }},
}

// hash is a script's name's: another version's is nobody's.
var hash = regexp.MustCompile(`\.[0-9a-f]{16}\.js$`)

func header(name, value string) func(*testing.T, string, *request) {
	return func(_ *testing.T, _ string, r *request) { r.header.Set(name, value) }
}

func swapKey(other string) func(*testing.T, string, *request) {
	return func(_ *testing.T, _ string, r *request) {
		r.path = strings.Replace(r.path, key, other, 1)
		if r.header.Get("X-Write-Key") != "" {
			r.header.Set("X-Write-Key", other)
		}
	}
}

func (r *request) addQuery(more string) {
	if strings.Contains(r.path, "?") {
		r.path += "&" + more
		return
	}
	r.path += "?" + more
}

const (
	view    = `{"time":1700000000000,"type":"view","data":{"type":"page"}}`
	message = `{"messageId":"m-1","userId":"u-1","event":"Order placed","timestamp":"2026-01-01T12:00:00Z"}`
)

// good is a request that the operation answers 200, or 204 where it has that.
func good(o operation, hashes map[string]string) request {
	r := request{method: o.method, path: o.path, header: http.Header{}}
	for placeholder, value := range map[string]string{"{call}": "identify", "{method}": "track", "{writeKey}": key, "{hash}": hashes[o.path]} {
		r.path = strings.Replace(r.path, placeholder, value, 1)
	}
	switch {
	case o.method == http.MethodOptions:
		r.header.Set("Origin", shop)
		r.header.Set("Access-Control-Request-Method", http.MethodPost)
	case o.path == "/v1/pixel.gif":
		r.path += "?key=" + key + "&type=view&item=page"
	case o.path == "/sourceConfig", o.path == "/beacon/v1/batch":
		r.path += "?writeKey=" + key
	}
	if o.method != http.MethodPost {
		return r
	}
	r.header.Set("Content-Type", "application/json")
	if o.path != "/beacon/v1/batch" {
		r.header.Set("X-Write-Key", key)
	}
	switch {
	case o.path == "/v1/events":
		r.body = view
	case strings.Contains(o.path, "{"):
		r.body = message
	default:
		r.body = `{"batch":[` + strings.Replace(message, "{", `{"type":"track",`, 1) + `]}`
	}
	return r
}

// Every operation is asked for every status that the document has of it, and every answer is as the document says.
func TestEveryOperationAnswersAsTheDocumentSays(t *testing.T) {
	c, err := read(schemas.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	kafka := startKafka(t)
	e := edges{
		usual: start(t, kafka, accounts, func(c *edge.Config) { c.Timeouts.Read = timeout }),
		empty: start(t, kafka, "accounts: []", func(*edge.Config) {}), limited: start(t, kafka, accounts, func(c *edge.Config) { c.Limits.ClientRequests = 1 }),
	}
	hashes := hashesOf(t, e.usual)
	told := map[string]bool{}
	for _, o := range c.operations() {
		w, known := ways[o.status]
		if _, cannot := unmet[o.status]; cannot {
			told[o.status] = true
			continue
		}
		if !known {
			t.Errorf("%s: nobody says how to come by it", o)
			continue
		}
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			c.meets(t, o, w, e, good(o, hashes))
		})
	}
	for status := range unmet {
		if !told[status] {
			t.Errorf("%s is in no operation", status)
		}
	}
}

// meets sends a request until it is answered with the operation's status, and looks at the answer.
func (c *contract) meets(t *testing.T, o operation, w way, e edges, r request) {
	t.Helper()
	to := e.usual
	if w.to != nil {
		to = w.to(e)
	}
	if o.status[0] == '2' {
		if err := c.right(t, r); err != nil {
			t.Errorf("the request: %v", err)
		}
	}
	if w.change != nil {
		w.change(t, to, &r)
	}
	resp, text := r.send(t, to)
	for n := 0; w.until && resp.Status[:3] != o.status && n < 100; n++ {
		resp, text = r.send(t, to)
	}
	if resp.Status[:3] != o.status {
		t.Fatalf("%s %.300s", resp.Status, text)
	}
	if err := c.answered(t, o, resp, text); err != nil {
		t.Errorf("%v\n%v\n%.500s", err, resp.Header, text)
	}
}

// hashesOf are those of the scripts' names, by their paths in the document.
func hashesOf(t *testing.T, edge string) map[string]string {
	t.Helper()
	hashes := map[string]string{}
	for path, template := range map[string]string{"/recorder.js": "/recorder.{hash}.js", "/recorder.tours.js": "/recorder.tours.{hash}.js"} {
		resp, _ := request{method: http.MethodGet, path: path, header: http.Header{}}.send(t, edge)
		hashes[template] = strings.Trim(resp.Header.Get("ETag"), `"`)
	}
	return hashes
}
