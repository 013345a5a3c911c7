package export

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/waymarkctl"
)

// A request is what a fault is for.
type request func(r *http.Request) bool

func is(method, part string) request {
	return func(r *http.Request) bool { return r.Method == method && strings.Contains(r.URL.RequestURI(), part) }
}

// says answers the first requests of a kind with a refusal; times is how many, 0 all.
func says(kind request, times int32, status int, code string, fired *atomic.Int32) fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if !kind(r) || fired.Add(1) > times && times > 0 {
			return false
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>no, %s with %s</Message></Error>`, code, accessKey, secretKey)
		return true
	}
}

// loses does what the first request of a kind asks for, and cuts the connection before the answer.
func loses(kind request, fired *atomic.Int32) fault {
	return func(_ http.ResponseWriter, r *http.Request, pass http.Handler) bool {
		if !kind(r) || fired.Add(1) > 1 {
			return false
		}
		pass.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
}

// shortens cuts the connection in the middle of the first answer to a request of a kind.
func shortens(kind request, fired *atomic.Int32) fault {
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) bool {
		if !kind(r) || fired.Add(1) > 1 {
			return false
		}
		answer := httptest.NewRecorder()
		pass.ServeHTTP(answer, r)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Length", fmt.Sprint(answer.Body.Len()))
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2]) // who asked may have gone
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// What stores and networks do at times, as users of other exports met it, ends a run or does not; it never puts an event into two files, or an entry before
// its file. In the end everything is written.
func TestFaultsOfAStore(t *testing.T) {
	s := startStore(t)
	r := use(t)
	l := s.lake("") // the bucket's root, which others forgot
	args := exports(l)
	entry, file := is("PUT", "/manifest/"), is("PUT", "/events/")
	for i, c := range []struct {
		name  string
		fault func(fired *atomic.Int32) fault
		// ends is what the run says that ends by the fault; notes what one says that goes on.
		ends, notes string
	}{
		{name: "requests are to come more slowly", fault: func(n *atomic.Int32) fault { return says(file, 2, 503, "SlowDown", n) }},
		{name: "two conditions conflict", fault: func(n *atomic.Int32) fault { return says(entry, 2, 409, "ConditionalRequestConflict", n) }},
		{name: "the answer to an entry is lost, and it is there already when it comes again", fault: func(n *atomic.Int32) fault { return loses(entry, n) }},
		{name: "the answer to a file is lost", fault: func(n *atomic.Int32) fault { return loses(file, n) }},
		{name: "files are refused", fault: func(n *atomic.Int32) fault { return says(file, 0, 403, "AccessDenied", n) }, ends: "(AccessDenied)"},
		{name: "entries are refused", fault: func(n *atomic.Int32) fault { return says(entry, 0, 403, "AccessDenied", n) }, ends: "(AccessDenied)"},
		{name: "what was left may not be removed", fault: func(n *atomic.Int32) fault { return says(is("DELETE", "/events/"), 0, 403, "AccessDenied", n) }, notes: "stays, and does not count"},
		{name: "uploads cannot be listed", fault: func(n *atomic.Int32) fault { return says(is("GET", "uploads"), 0, 501, "NotImplemented", n) }, notes: "stays, and does not count"},
		{name: "a file is not there after all", fault: func(n *atomic.Int32) fault { return says(is("HEAD", "/events/"), 0, 404, "NoSuchKey", n) }, ends: "look at s3://"},
		{name: "the manifest cannot be read to its end", fault: func(n *atomic.Int32) fault { return shortens(is("GET", "/manifest/0"), n) }, ends: "read s3://exports/manifest/"},
		{name: "the manifest cannot be listed", fault: func(n *atomic.Int32) fault { return says(is("GET", "prefix=manifest"), 0, 403, "AccessDenied", n) }, ends: "list s3://exports/manifest/"},
	} {
		r.visit(200+i, 40)
		var fired atomic.Int32
		s.door.with(c.fault(&fired), func() {
			kafkatest.Wait(t, func() bool {
				code, stdout, stderr := r.ctl(t.Context(), args...)
				if strings.Contains(stdout+stderr, secretKey) || strings.Contains(stdout+stderr, accessKey) {
					t.Fatalf("%s: credentials are shown: %s", c.name, stderr)
				}
				if fired.Load() == 0 {
					return false // the sinks have not stored enough yet
				}
				if (code != 0) != (c.ends != "") || !strings.Contains(stderr, c.ends) || !strings.Contains(stderr, c.notes) {
					t.Errorf("%s: status %d, %q, want %q", c.name, code, stderr, c.ends+c.notes)
				}
				return true
			}, c.name)
		})
		for _, e := range manifest(t, l) {
			whole(t, l, e)
		}
	}
	r.settle(l, args)
}

// A store of which two runs could replace each other's entries is found out before anything is written.
func TestAStoreThatHeedsNoConditionIsRefused(t *testing.T) {
	s := startStore(t)
	r := use(t)
	yes := func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		return r.Header.Get("If-None-Match") != ""
	} // 200
	s.door.with(yes, func() {
		code, _, stderr := r.ctl(t.Context(), "export", "events", "--region", "us", "--to", s.lake("lake").to())
		if code != 1 || !strings.Contains(stderr, "does not heed If-None-Match") {
			t.Errorf("status %d, %s", code, stderr)
		}
	})
	if keys := s.keys(t, ""); len(keys) > 0 {
		t.Errorf("written for all that: %v", keys)
	}
}

// Of two runs in one place one is told, and what the other one wrote is not touched: neither by writing over it nor by tidying up.
func TestTwoRunsOfABucketDoNotHarmEachOther(t *testing.T) {
	s := startStore(t)
	r := use(t)
	r.visit(300, 100)
	for _, step := range []string{"file begun", "file named", "entry written"} {
		l := s.lake(strings.ReplaceAll(step, " ", "-"))
		args := exports(l)
		second := false
		ctx := waymarkctl.WithExportTrace(t.Context(), func(name string) error {
			if name == step && !second {
				second = true
				for range 2 { // the second one tidies up, too
					if code, _, stderr := r.ctl(t.Context(), args...); code != 0 {
						return fmt.Errorf("the second run: %s", stderr)
					}
				}
			}
			return nil
		})
		kafkatest.Wait(t, func() bool {
			code, _, stderr := r.ctl(ctx, args...)
			if second && (code != 1 || !strings.Contains(stderr, "another export uses this place")) {
				t.Errorf("the first run, overtaken at %q: status %d, %s", step, code, stderr)
			}
			return second
		}, "a run")
		files := named(t, manifest(t, l))
		for _, e := range manifest(t, l) {
			whole(t, l, e)
		}
		r.read("two", l, files)
		if twice := r.ask("SELECT count() - uniqExact(event_id) FROM two", nil); twice != "0" || len(files) == 0 {
			t.Errorf("at %q: %s events are in two of %d files", step, twice, len(files))
		}
	}
}

// What lies below the prefix or beside it and is not this export's stays, as does what another run may be writing. Parts and files that can never count go.
func TestOnlyWhatCanNeverCountIsRemoved(t *testing.T) {
	s := startStore(t)
	r := use(t)
	l := s.lake("lake")
	r.visit(400, 40)
	const left, later = "events/2026-03-01/00000001-ABCDEFGHIJKLMNOPQRSTUVWXYZ.parquet", "events/2026-03-01/99999999-ABCDEFGHIJKLMNOPQRSTUVWXYZ.parquet"
	others := []string{l.key(later), "lake/events/notes.txt", "lake/events/2026-03-01/00000001.parquet", "lake/manifest/README", "lake2/" + left, "lake/events/" + left, "other/" + left}
	for _, key := range append([]string{l.key(left)}, others...) {
		s.put(t, key, []byte("not Parquet"))
	}
	for _, key := range []string{left, later} {
		if _, err := s.client.NewMultipartUpload(t.Context(), bucket, l.key(key), minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	args := exports(l)
	kafkatest.Wait(t, func() bool {
		code, _, stderr := r.ctl(t.Context(), args...)
		if code != 0 {
			t.Fatal(stderr)
		}
		return strings.Contains(stderr, "note: 2 ")
	}, "two leftovers to be removed")
	there := s.keys(t, "")
	for _, key := range others {
		if !strings.Contains(strings.Join(there, "\n")+"\n", key+"\n") {
			t.Errorf("%s is gone", key)
		}
	}
	if _, err := l.file(left); err == nil {
		t.Error("a file that can never count is there still")
	}
	if uploads := s.uploads(t); len(uploads) != 1 || uploads[0] != l.key(later) {
		t.Errorf("uploads that are left: %v, want the later one", uploads)
	}
	code, _, stderr := r.ctl(t.Context(), "export", "events", "--region", "us", "--to", l.to(), "--files", "demo-us")
	if code != 0 || stderr != "" {
		t.Errorf("the files of an account: status %d, %s", code, stderr)
	}
}

// A store lists a thousand keys at a time.
func TestAManifestOfManyEntriesIsReadToItsEnd(t *testing.T) {
	s := startStore(t)
	const entries = 1005
	for i := range entries {
		s.put(t, fmt.Sprintf("lake/manifest/%08d.json", i+1), fmt.Appendf(nil, `{"version":1,"number":%d,"region":"us","from":%d,"to":%d,"file":"events/%d","days":[{"account":"acme","day":"2026-03-01","events":1}]}`, i+1, i, i+1, i))
	}
	r := use(t)
	code, stdout, stderr := r.ctl(t.Context(), "export", "events", "--region", "us", "--to", "s3://exports/lake", "--files", "acme")
	if got := strings.Count(stdout, "\n"); code != 0 || got != entries {
		t.Errorf("status %d, %d files, want %d: %s", code, got, entries, stderr)
	}
}
