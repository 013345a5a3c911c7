package export

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"
)

// large is a question whose rows are three parts of an object.
const large = "SELECT number, randomPrintableASCII(1000, number) AS filler FROM numbers(40000)"

// What is written to a bucket is what ClickHouse answers, in each format, and ClickHouse reads it from there.
func TestAQuestionsRowsAreWrittenToABucket(t *testing.T) {
	s := startStore(t)
	r := use(t)
	for _, file := range []string{"a.parquet", "b/a.ndjson", "a.csv"} {
		format := map[string]string{"a.parquet": "Parquet", "b/a.ndjson": "JSONEachRow", "a.csv": "CSVWithNames"}[file]
		question := strings.Replace(large, "40000", "100", 1)
		if file == "a.parquet" {
			question = large
		}
		if code, stdout, stderr := r.ctl(t.Context(), "export", "--region", "us", "--to", "s3://exports/"+file, question); code != 0 || stdout+stderr != "" {
			t.Fatalf("%s: status %d, %s%s", file, code, stdout, stderr)
		}
		from := fmt.Sprintf("s3('%s/exports/%s', '%s', '%s', '%s')", s.url, file, accessKey, secretKey, format)
		want := r.ask("SELECT count(), sum(number), uniqExact(length(filler)), max(length(filler)) FROM ("+question+")", nil)
		if got := r.ask("SELECT count(), sum(number), uniqExact(length(filler)), max(length(filler)) FROM "+from, nil); got != want {
			t.Errorf("%s has %s, want %s", file, got, want)
		}
	}
	if uploads := s.uploads(t); len(uploads) > 0 {
		t.Errorf("left: %v", uploads)
	}
	for says, name := range map[string]string{"want an object's name": "s3://exports", "want s3://bucket/prefix": "s3://Ex/a.csv", "NoSuchBucket": "s3://nowhere/a.csv"} {
		code, _, stderr := r.ctl(t.Context(), "export", "--region", "us", "--format", "csv", "--to", name, "SELECT 1")
		if code != 1 || !strings.Contains(strings.ToLower(stderr), strings.ToLower(says)) {
			t.Errorf("%s: status %d, %q, want %q", name, code, stderr, says)
		}
	}
}

// An object is there whole or as it was, and no parts are left to be paid for.
func TestAFailureLeavesNoObject(t *testing.T) {
	s := startStore(t)
	r := use(t)
	s.put(t, "a.csv", []byte("of yesterday"))
	part := is("PUT", "partNumber=2")
	complete := func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") }
	var fired atomic.Int32
	for name, c := range map[string]struct {
		question string
		fault    fault
		says     string // empty where all is well
	}{
		"a part is refused":                         {large, says(part, 0, 403, "AccessDenied", &fired), "(AccessDenied)"},
		"the upload is gone":                        {large, says(part, 0, 404, "NoSuchUpload", &fired), "(NoSuchUpload)"},
		"the store says 200 and means an error":     {large, says(complete, 0, 200, "MalformedXML", &fired), "(MalformedXML)"},
		"the query fails after the first part":      {"SELECT number, throwIf(number = 4000000, 'too late') FROM numbers(5000000)", nil, "too late"},
		"the last answer is lost":                   {large, loses(complete, &fired), ""},
		"a part's answer is lost":                   {large, loses(part, &fired), ""},
		"the store asks for fewer requests at once": {large, says(part, 2, 503, "SlowDown", &fired), ""},
	} {
		s.put(t, "a.csv", []byte("of yesterday"))
		fired.Store(0)
		s.door.with(c.fault, func() {
			code, _, stderr := r.ctl(t.Context(), "export", "--region", "us", "--to", "s3://exports/a.csv", c.question)
			if (code == 0) != (c.says == "") || !strings.Contains(stderr, c.says) || strings.Contains(stderr, secretKey) || strings.Contains(stderr, accessKey) {
				t.Errorf("%s: status %d, %q, want %q", name, code, stderr, c.says)
			}
		})
		if c.fault != nil && fired.Load() == 0 {
			t.Errorf("%s: the fault did not come about", name)
		}
		content, err := s.get("a.csv")
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(content, []byte("\n")); c.says == "" && lines != 40001 || c.says != "" && string(content) != "of yesterday" {
			t.Errorf("%s: the object has %d bytes, %d lines", name, len(content), lines)
		}
		if uploads := s.uploads(t); len(uploads) > 0 {
			t.Errorf("%s: left: %v", name, uploads)
		}
	}
}

// A Ctrl-C in the middle leaves nothing either.
func TestAnInterruptionLeavesNoObject(t *testing.T) {
	s := startStore(t)
	r := use(t)
	ctx, interrupt := context.WithCancel(t.Context())
	s.door.with(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if is("PUT", "partNumber=2")(r) {
			interrupt()
		}
		return false
	}, func() {
		if code, _, stderr := r.ctl(ctx, "export", "--region", "us", "--to", "s3://exports/a.csv", large); code != 1 || !strings.Contains(stderr, "interrupted") {
			t.Errorf("status %d, %q", code, stderr)
		}
	})
	if keys, uploads := s.keys(t, ""), s.uploads(t); len(keys)+len(uploads) > 0 {
		t.Errorf("left: %v, %v", keys, uploads)
	}
}

// Credentials that a store refuses are not shown, and neither are those of the settings.
func TestCredentialsAreNotShown(t *testing.T) {
	s := startStore(t)
	r := use(t)
	var fired atomic.Int32
	s.door.with(says(func(*http.Request) bool { return true }, 0, 403, "InvalidAccessKeyId", &fired), func() {
		code, stdout, stderr := r.ctl(t.Context(), "export", "--region", "us", "--to", "s3://exports/a.csv", "SELECT 1")
		if code != 1 || !strings.Contains(stderr, "no, *** with *** (InvalidAccessKeyId)") || strings.Contains(stdout+stderr, secretKey) {
			t.Errorf("status %d, %q", code, stderr)
		}
	})
	code, stdout, stderr := r.ctl(t.Context(), "--print-config")
	if code != 0 || !strings.Contains(stdout, "endpoint: "+s.url) || strings.Contains(stdout, accessKey) || strings.Contains(stdout, secretKey) {
		t.Errorf("status %d, %s%s", code, stdout, stderr)
	}
	if _, err := s.client.StatObject(t.Context(), bucket, "a.csv", minio.StatObjectOptions{}); err == nil {
		t.Error("it was written for all that")
	}
}
