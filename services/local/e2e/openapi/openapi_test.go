package openapi

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge"
)

// unmet are the statuses that no request can bring about.
var unmet = map[string]string{
	"500": "it is a bug of the edge: services/edge/internal/collect breaks the handling on purpose",
}

// edges are those that the tests run: as usual, one that knows no account, and one that limits its clients.
type edges struct{ usual, empty, limited string }

// A way makes another request of one that an operation answers well, or sends it elsewhere.
type way struct {
	to     func(edges) string // the edge that is asked; nil for the usual one
	change func(t *testing.T, edge string, r *request)
	until  string // the status that it comes to after some requests, where it does
}

// ways lead to every status but those of unmet: each operation goes all of them, wherever it comes to.
var ways = map[string]way{
	"good":   {},
	"a part": {change: header("Range", "bytes=0-9")},
	"the same version": {change: func(t *testing.T, edge string, r *request) {
		r.header.Set("If-None-Match", r.send(t, edge).header.Get("ETag"))
	}},
	"not encoded": {change: func(_ *testing.T, _ string, r *request) {
		r.body = "["
		r.addQuery("bad=%zz")
	}},
	"unknown key": {change: swapKey("wk_of_nobody")},
	"stranger":    {change: header("Origin", stranger)},
	"nothing there": {change: func(_ *testing.T, _ string, r *request) {
		for _, known := range []string{"/identify", "/track"} {
			r.path = strings.Replace(r.path, known, "/nothing", 1)
		}
		r.path = hash.ReplaceAllString(r.path, ".0123456789abcdef.js")
	}},
	"another method":  {change: func(_ *testing.T, _ string, r *request) { r.method = http.MethodPatch }},
	"slow":            {change: func(_ *testing.T, _ string, r *request) { r.slow = r.method == http.MethodPost }},
	"another version": {change: header("If-Match", `"another"`)},
	"a bomb": {change: func(_ *testing.T, _ string, r *request) {
		r.body = encoded("gzip", strings.Repeat(" ", 11<<20))
		r.header.Set("Content-Encoding", "gzip")
	}},
	"long query":       {change: func(_ *testing.T, _ string, r *request) { r.addQuery("more=" + strings.Repeat("x", 9<<10)) }},
	"unknown encoding": {change: header("Content-Encoding", "compress")},
	"no such part":     {change: header("Range", "bytes=99999999-")},
	"another region":   {change: swapKey(farKey)},
	"too often":        {to: func(e edges) string { return e.limited }, until: "429"},
	"no account":       {to: func(e edges) string { return e.empty }},
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

// good is a request that the operation answers 200, or 204 where it is a preflight.
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

// Every operation is asked in every way. Each answer is one that the document has of it, and each that the document has is come by.
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
	met := statuses{all: map[string]bool{}}
	t.Run("asking", func(t *testing.T) {
		for o := range c.operations() {
			for name, w := range ways {
				if name == "another method" && (o.method == http.MethodHead || o.method == http.MethodOptions) {
					continue // GET's and POST's have it
				}
				t.Run(o.String()+" "+name, func(t *testing.T) {
					t.Parallel()
					met.add(o, c.goes(t, o, w, e, good(o, hashes)))
				})
			}
		}
	})
	told := map[string]bool{}
	for o, documented := range c.operations() {
		for _, status := range documented {
			told[status] = true
			if _, cannot := unmet[status]; met.has(o, status) == cannot {
				t.Errorf("%s %s: it is met or said not to be: %t", o, status, cannot)
			}
		}
	}
	for status := range unmet {
		if !told[status] {
			t.Errorf("%s is in no operation", status)
		}
	}
}

// goes goes one way, and returns the status that it comes to.
func (c *contract) goes(t *testing.T, o operation, w way, e edges, r request) string {
	t.Helper()
	to := e.usual
	if w.to != nil {
		to = w.to(e)
	}
	if err := c.right(t, r); err != nil {
		t.Errorf("the good request: %v", err)
	}
	if w.change != nil {
		w.change(t, to, &r)
	}
	got := r.send(t, to)
	for n := 0; w.until != "" && strconv.Itoa(got.status) != w.until && n < 10; n++ {
		got = r.send(t, to)
	}
	if err := c.answered(t, o, got); err != nil {
		t.Errorf("%d: %v\n%v\n%.500s", got.status, err, got.header, got.text)
	}
	return strconv.Itoa(got.status)
}

// statuses are those that operations were answered with. It is safe for concurrent use.
type statuses struct {
	mu  sync.Mutex
	all map[string]bool
}

func (s *statuses) add(o operation, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[o.String()+" "+status] = true
}

func (s *statuses) has(o operation, status string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[o.String()+" "+status]
}

// hashesOf are those of the scripts' names, by their paths in the document.
func hashesOf(t *testing.T, edge string) map[string]string {
	t.Helper()
	hashes := map[string]string{}
	for path, template := range map[string]string{"/recorder.js": "/recorder.{hash}.js", "/recorder.tours.js": "/recorder.tours.{hash}.js"} {
		got := request{method: http.MethodGet, path: path, header: http.Header{}}.send(t, edge)
		hashes[template] = strings.Trim(got.header.Get("ETag"), `"`)
	}
	return hashes
}
