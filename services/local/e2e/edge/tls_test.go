package edge

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/certificate"
)

// A secured edge is one that listens with TLS.
type secured struct {
	*running
	tls string // its address
	dir string // of tls.crt and tls.key
	pem certificate.PEM
}

// secure runs an edge with TLS, its plain port off.
func secure(t *testing.T, change func(*edge.Config)) *secured {
	t.Helper()
	address := kafkatest.Start(t)
	kafkatest.Topic(t, kafkatest.Client(t, address), schemas.RawTopic("us"), 2, nil)
	s := &secured{dir: t.TempDir()}
	s.pem = renew(t, s.dir, "first")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.tls = l.Addr().String()
	s.running = start(t, address, func(c *edge.Config) {
		if err := c.Listener.Close(); err != nil {
			t.Fatal(err)
		}
		c.Listener, c.Listen = nil, ""
		c.TLS = edge.TLS{Listener: l, CertFile: filepath.Join(s.dir, "tls.crt"), KeyFile: filepath.Join(s.dir, "tls.key")}
		change(c)
	})
	client := s.client(&tls.Config{}, true)
	kafkatest.Wait(t, func() bool { return s.send(client) == http.StatusOK }, "the edge serves")
	return s
}

func renew(t *testing.T, dir, name string) certificate.PEM {
	t.Helper()
	pem, err := certificate.New(name)
	if err == nil {
		_, _, err = pem.Write(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pem
}

// client trusts the certificates that the edge has had.
func (s *secured) client(config *tls.Config, http2 bool, also ...certificate.PEM) *http.Client {
	config.RootCAs = s.pem.Pool()
	for _, pem := range also {
		config.RootCAs.AppendCertsFromPEM(pem.Cert)
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: http2}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

func (s *secured) request(body io.Reader) *http.Request {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "https://"+s.tls+"/v1/events", body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("X-Write-Key", "wk_test_key")
	return req
}

// send posts an event and returns the status, 0 for none.
func (s *secured) send(client *http.Client) int {
	resp, err := client.Do(s.request(strings.NewReader(event)))
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func TestTLSFrom12OnAndBothVersionsOfHTTP(t *testing.T) {
	s := secure(t, func(*edge.Config) {})
	for name, c := range map[string]struct {
		config *tls.Config
		http2  bool
		status int
	}{
		"TLS 1.1":           {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false, 0}, //nolint:gosec // it must be refused
		"TLS 1.2, HTTP/1.1": {&tls.Config{MaxVersion: tls.VersionTLS12}, false, 200},
		"TLS 1.2, HTTP/2":   {&tls.Config{MaxVersion: tls.VersionTLS12}, true, 200},
		"TLS 1.3, HTTP/2":   {&tls.Config{MinVersion: tls.VersionTLS13}, true, 200},
	} {
		client := s.client(c.config, c.http2)
		if got := s.send(client); got != c.status {
			t.Errorf("%s: %d, want %d", name, got, c.status)
		}
		if c.status == 0 {
			continue
		}
		resp, err := client.Do(s.request(strings.NewReader(event)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.TLS == nil || (resp.ProtoMajor == 2) != c.http2 || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %s, %v", name, resp.Proto, resp.Header)
		}
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// One server has both ports, and the plain one must not take HTTP/2 away from the other.
func TestBothPortsServeAtOnce(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := secure(t, func(c *edge.Config) { c.Listener = plain })
	s.address = plain.Addr().String()
	kafkatest.Wait(t, func() bool { return s.status() == http.StatusOK }, "the plain port serves")
	for _, http2 := range []bool{true, false} {
		client := s.client(&tls.Config{}, http2)
		resp, err := client.Do(s.request(strings.NewReader(event)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || (resp.ProtoMajor == 2) != http2 {
			t.Errorf("%s %s", resp.Proto, resp.Status)
		}
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// served is the name of the certificate that a new connection gets.
func (s *secured) served() string {
	conn, err := tls.Dial("tcp", s.tls, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is looked at
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestANewCertificateIsTakenWithoutDroppingAConnection(t *testing.T) {
	s := secure(t, func(*edge.Config) {})
	conn, err := tls.Dial("tcp", s.tls, &tls.Config{RootCAs: s.pem.Pool()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	ask := func(when string) {
		t.Helper()
		if _, err := io.WriteString(conn, head(len(event))+event); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("%s: the open connection was dropped: %v", when, err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v", when, resp.Status, err)
		}
	}
	ask("before")
	renew(t, s.dir, "second")
	kafkatest.Wait(t, func() bool { return s.served() == "second" }, "the second certificate is served")
	ask("after the change")

	// Half of a pair, a file that is being written, none at all: the last good one stays.
	third, err := certificate.New("third")
	if err != nil {
		t.Fatal(err)
	}
	for name, half := range map[string][]byte{"another's": third.Cert, "cut off": third.Cert[:100], "empty": nil} {
		if err := os.WriteFile(filepath.Join(s.dir, "tls.crt"), half, 0o600); err != nil {
			t.Fatal(err)
		}
		settled := time.Now().Add(3 * time.Second) // a look and a half
		kafkatest.Wait(t, func() bool {
			if got := s.served(); got != "second" {
				t.Fatalf("%s: %s is served", name, got)
			}
			return time.Now().After(settled)
		}, "looked at")
	}
	// As Kubernetes does it: the folder is a link, and the link changes.
	next := filepath.Join(t.TempDir(), "..data_2")
	if err := os.Mkdir(next, 0o700); err != nil {
		t.Fatal(err)
	}
	renew(t, next, "fourth")
	for _, name := range []string{"tls.crt", "tls.key"} {
		link := filepath.Join(s.dir, name)
		if err := os.Symlink(filepath.Join(next, name), link+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link+".new", link); err != nil {
			t.Fatal(err)
		}
	}
	kafkatest.Wait(t, func() bool { return s.served() == "fourth" }, "the fourth certificate is served")
	ask("at last")
}

// A handshake that never ends has no more time than a header.
func TestAHandshakeThatDoesNotComeIsCutOff(t *testing.T) {
	s := secure(t, func(c *edge.Config) { c.Timeouts.ReadHeader = 300 * time.Millisecond })
	for name, sent := range map[string]string{"nothing": "", "the beginning of one": "\x16\x03\x01\x02\x00\x01\x00", "plain HTTP": head(len(event)) + event} {
		conn, err := net.Dial("tcp", s.tls)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if strings.Contains(string(answer), " 200 ") || err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %q, %v", name, answer, err)
		}
	}
}

// The cap counts connections below TLS, whatever HTTP they speak; one that idles makes room, as without TLS.
func TestTheCapOfConnectionsHoldsWithTLS(t *testing.T) {
	s := secure(t, func(c *edge.Config) { c.Limits.Connections, c.TrustedProxies = 4, []string{"127.0.0.1"} })
	for n := range 20 { // each keeps its connection open
		if got := s.send(s.client(&tls.Config{}, n%2 == 0)); got != http.StatusOK {
			t.Fatalf("client %d: %d", n+1, got)
		}
	}
	if open := s.metric("waymark_edge_connections"); open < 1 || open > 4 {
		t.Errorf("%v connections are open, of 4", open)
	}
}

// Without both files, an edge does not start and says which setting it is.
func TestAnEdgeWithoutItsCertificateSaysSo(t *testing.T) {
	s := secure(t, func(*edge.Config) {})
	if err := os.WriteFile(filepath.Join(s.dir, "tls.key"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := start(t, "127.0.0.1:1", func(c *edge.Config) {
		c.TLS = edge.TLS{Listen: "127.0.0.1:0", CertFile: filepath.Join(s.dir, "tls.crt"), KeyFile: filepath.Join(s.dir, "tls.key")}
	})
	if err := broken.Wait(); err == nil || !strings.HasPrefix(err.Error(), "tls: cert_file and key_file: ") || strings.Contains(err.Error(), "no key") {
		t.Errorf("%v", err)
	}
}
