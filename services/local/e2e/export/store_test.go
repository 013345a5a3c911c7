package export

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/child"
)

const (
	bucket    = "exports"
	accessKey = "AKIAEXPORTTEST"
	secretKey = "hunter2/hunter2+hunter2"
	// gateway names the program of an S3 server that is not a fake, which checks signatures, sums and conditions: versitygw. Without it gofakes3 serves.
	gateway = "WAYMARK_TEST_VERSITYGW"
)

// A store is an object store that speaks S3's protocol, with an empty bucket, behind a door at which a test may do what stores and networks do at times.
type store struct {
	url    string
	client *minio.Core
	door   *door
}

// A door passes requests on.
type door struct {
	behind http.Handler
	mu     sync.Mutex
	fault  fault
}

// A fault looks at a request and returns true when it has answered it itself. It may ask the store by calling pass.
type fault func(w http.ResponseWriter, r *http.Request, pass http.Handler) bool

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	f := d.fault
	d.mu.Unlock()
	if f == nil || !f(w, r, d.behind) {
		d.behind.ServeHTTP(w, r)
	}
}

// with puts a fault into the door for as long as do takes.
func (d *door) with(f fault, do func()) {
	set := func(f fault) {
		d.mu.Lock()
		d.fault = f
		d.mu.Unlock()
	}
	set(f)
	defer set(nil)
	do()
}

// startStore starts a store and tells waymarkctl where it is.
func startStore(t *testing.T) *store {
	t.Helper()
	s := &store{door: &door{}}
	if program := os.Getenv(gateway); program != "" {
		s.door.behind = startGateway(t, program)
	} else {
		s.door.behind = gofakes3.New(s3mem.New()).Server()
	}
	server := httptest.NewServer(s.door)
	t.Cleanup(server.Close)
	s.url = server.URL
	s.client = newClient(t, server.URL)
	if err := s.client.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(secretKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"ENDPOINT": s.url, "ACCESS_KEY_ID": accessKey, "SECRET_ACCESS_KEY": "file:" + secret} {
		t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_S3_"+name, value)
	}
	return s
}

func newClient(t *testing.T, address string) *minio.Core {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	client, err := minio.NewCore(u.Host, &minio.Options{Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Region: "us-east-1", MaxRetries: 1})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// startGateway starts a gateway to an empty folder, and returns what passes requests on to it.
func startGateway(t *testing.T, program string) http.Handler {
	t.Helper()
	listener := httptest.NewServer(http.NotFoundHandler()) // for a port that is free
	address := strings.TrimPrefix(listener.URL, "http://")
	listener.Close()
	dir := t.TempDir()
	for _, name := range []string{"objects", "metadata"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	p := &child.Process{Name: "versitygw", Says: "No IAM service configured", Args: []string{
		program, "--port", address, "--access", accessKey, "--secret", secretKey, "--quiet", "posix", "--sidecar", filepath.Join(dir, "metadata"), filepath.Join(dir, "objects"),
	}}
	if err := p.Start(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	kafkatest.Wait(t, func() bool {
		resp, err := http.Get("http://" + address)
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}, "the gateway to answer")
	return &httputil.ReverseProxy{
		ErrorLog: log.New(io.Discard, "", 0), // clients that went away, as tests have them
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: address})
			r.Out.Host = r.In.Host // which is signed
			r.Out.Header["Accept-Encoding"] = r.In.Header["Accept-Encoding"]
		},
	}
}

// put writes an object past the door.
func (s *store) put(t *testing.T, key string, content []byte) {
	t.Helper()
	if _, err := s.client.PutObject(t.Context(), bucket, key, bytes.NewReader(content), int64(len(content)), "", "", minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (s *store) get(key string) ([]byte, error) {
	object, _, _, err := s.client.GetObject(context.Background(), bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(object)
	return text, errors.Join(err, object.Close())
}

// keys are the keys below a prefix.
func (s *store) keys(t *testing.T, prefix string) (out []string) {
	t.Helper()
	for object := range s.client.ListObjectsIter(t.Context(), bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if object.Err != nil {
			t.Fatal(object.Err)
		}
		out = append(out, object.Key)
	}
	return out
}

// uploads are the keys of uploads that were begun and neither completed nor dropped.
func (s *store) uploads(t *testing.T) (out []string) {
	t.Helper()
	page, err := s.client.ListMultipartUploads(t.Context(), bucket, "", "", "", "", 1000)
	if err != nil && minio.ToErrorResponse(err).Code != "NoSuchUpload" { // gofakes3 says so where there are none
		t.Fatal(err)
	}
	for _, u := range page.Uploads {
		out = append(out, u.Key)
	}
	return out
}

type bucketLake struct {
	*store
	prefix string
}

// lake is a prefix of the bucket; an empty one is its root.
func (s *store) lake(prefix string) bucketLake { return bucketLake{s, prefix} }

func (b bucketLake) to() string { return strings.TrimSuffix("s3://"+bucket+"/"+b.prefix, "/") }

func (b bucketLake) key(name string) string {
	if b.prefix == "" {
		return name
	}
	return b.prefix + "/" + name
}

func (b bucketLake) file(name string) ([]byte, error) { return b.get(b.key(name)) }

func (b bucketLake) below(t *testing.T, folder string) (out []string) {
	t.Helper()
	for _, key := range b.keys(t, b.key(folder)) {
		out = append(out, strings.TrimPrefix(key, b.key("")))
	}
	return out
}

func (b bucketLake) files(t *testing.T) []string { return b.below(t, "events/") }

func (b bucketLake) names(t *testing.T) []string { return b.below(t, "manifest/") }
