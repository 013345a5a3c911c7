package export

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/waymark-events/waymark/services/local/rigs/certificate"
)

// made is a certificate, and the file that it is in.
func made(t *testing.T, name string) (pem certificate.PEM, pair tls.Certificate, certFile, keyFile string) {
	t.Helper()
	pem, err := certificate.New(name)
	if err != nil {
		t.Fatal(err)
	}
	if pair, err = tls.X509KeyPair(pem.Cert, pem.Key); err != nil {
		t.Fatal(err)
	}
	if certFile, keyFile, err = pem.Write(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	return pem, pair, certFile, keyFile
}

// encrypted listens with TLS and passes on to an address, until the test ends.
func encrypted(t *testing.T, cfg *tls.Config, to string) string {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wait.Go(func() { pass(conn.(*tls.Conn), to) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		wait.Wait()
	})
	return listener.Addr().String()
}

// pass copies both ways until one end closes.
func pass(conn *tls.Conn, to string) {
	defer conn.Close()
	if conn.Handshake() != nil {
		return // what the client says of it is what the test looks at
	}
	behind, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		_, _ = io.Copy(behind, conn)
		_ = behind.Close()
	})
	_, _ = io.Copy(conn, behind)
	_ = conn.Close()
	wait.Wait()
}

// The native protocol and HTTP are read over TLS with the same settings: authorities, a name, and a certificate of one's own.
func TestExportsReadOverTLS(t *testing.T) {
	r := use(t)
	_, pair, ca, _ := made(t, "clickhouse")
	ours, _, certFile, keyFile := made(t, "waymarkctl")
	_, _, otherCA, _ := made(t, "somebody else")
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(ours.Cert) {
		t.Fatal("no certificate")
	}
	plain, mutual := &tls.Config{Certificates: []tls.Certificate{pair}}, &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
	native, web := encrypted(t, plain, r.Addresses.ClickHouseNative), encrypted(t, plain, r.Addresses.ClickHouseHTTP)
	mutualNative, mutualWeb := encrypted(t, mutual, r.Addresses.ClickHouseNative), encrypted(t, mutual, r.Addresses.ClickHouseHTTP)
	_, webPort, err := net.SplitHostPort(web)
	if err != nil {
		t.Fatal(err)
	}
	r.ask("CREATE OR REPLACE VIEW one AS SELECT 1 AS a", nil)
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_TLS_ENABLED", "true")
	for _, c := range []struct {
		name        string
		native, web string
		settings    map[string]string
		says        string // empty where it works
	}{
		{"its authority", native, web, map[string]string{"CA_FILE": ca}, ""},
		{"no authority that knows it", native, web, nil, "certificate signed by unknown authority"},
		{"another authority", native, web, map[string]string{"CA_FILE": otherCA}, "certificate signed by unknown authority"},
		{"another name", native, "localhost:" + webPort, map[string]string{"CA_FILE": ca}, "certificate"},
		{"its name, at another address", native, "localhost:" + webPort, map[string]string{"CA_FILE": ca, "SERVER_NAME": "127.0.0.1"}, ""},
		{"our certificate", mutualNative, mutualWeb, map[string]string{"CA_FILE": ca, "CERT_FILE": certFile, "KEY_FILE": keyFile}, ""},
		{"no certificate where one is wanted", mutualNative, mutualWeb, map[string]string{"CA_FILE": ca}, "certificate required"},
		{"no file", native, web, map[string]string{"CA_FILE": filepath.Join(t.TempDir(), "none.pem")}, "none.pem"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_ADDRESSES", c.native)
			t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_HTTP", "https://"+c.web)
			for name, value := range c.settings {
				t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_TLS_"+name, value)
			}
			for _, what := range [][]string{{"SELECT 1 AS a"}, {"--view", "one"}} {
				code, stdout, stderr := r.ctl(t.Context(), append([]string{"export", "--region", "us", "--format", "csv", "--to", "-"}, what...)...)
				if c.says == "" && (code != 0 || stdout != "\"a\"\n1\n") || c.says != "" && (code != 1 || !strings.Contains(stderr, c.says)) {
					t.Errorf("%q: status %d, %q, %q, want %q", what, code, stdout, stderr, c.says)
				}
			}
		})
	}
	t.Run("HTTP without TLS", func(t *testing.T) {
		t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_ADDRESSES", native)
		code, _, stderr := r.ctl(t.Context(), "export", "--region", "us", "--format", "csv", "--to", "-", "SELECT 1") // CLICKHOUSE_HTTP is http:// here
		if code != 2 || !strings.Contains(stderr, "want an https:// URL") {
			t.Errorf("status %d, %q", code, stderr)
		}
	})
}

// A store's certificate is checked against the authorities of s3.ca_file.
func TestAStoreIsReachedOverTLS(t *testing.T) {
	s := startStore(t)
	r := use(t)
	_, pair, ca, _ := made(t, "store")
	server := httptest.NewUnstartedServer(s.door)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail on purpose
	server.StartTLS()
	t.Cleanup(server.Close)
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_S3_ENDPOINT", server.URL)
	args := []string{"export", "--region", "us", "--to", "s3://exports/a.csv", "SELECT 1"}
	if code, _, stderr := r.ctl(t.Context(), args...); code != 1 || !strings.Contains(stderr, "certificate signed by unknown authority") {
		t.Errorf("no authority that knows it: status %d, %q", code, stderr)
	}
	t.Setenv("WAYMARK_WAYMARKCTL_REGIONS_US_S3_CA_FILE", ca)
	if code, _, stderr := r.ctl(t.Context(), args...); code != 0 {
		t.Errorf("its authority: status %d, %q", code, stderr)
	}
	if text, err := s.get("a.csv"); err != nil || string(text) != "\"1\"\n1\n" {
		t.Errorf("the object has %q, %v", text, err)
	}
}
